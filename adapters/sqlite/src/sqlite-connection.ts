import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { MessagingError } from '@waggle/kernel';
import type { StoreSettings } from '@waggle/messaging';
import { createAtomically, prepare } from './query.ts';
import { createDocuments } from './sqlite-documents.ts';
import { createInbox } from './sqlite-inbox.ts';
import { createOutbox } from './sqlite-outbox.ts';
import { ensureSchema, missingSchema } from './sqlite-schema.ts';
import { createStreams } from './sqlite-streams.ts';

export type Synchronous = 'normal' | 'full';

/** Bytes; of a new file. What a commit writes is whole pages, with a few hundred bytes in each that are new: 4 kB were slower. */
const PAGE_SIZE = 2_048;
/** 16 MB. The usual 1,000 have the same pages moved from the log into the file several times as often. */
const CHECKPOINT_PAGES = 8_000;

/** The open file, with every statement prepared. All of it is synchronous; what SQLite says is thrown as it is. */
export type Connection = ReturnType<typeof connect>;

/** @param file an absolute path: others mean something to SQLite @throws MessagingError `invalid`, or what SQLite says */
export function connect(file: string, synchronous: Synchronous, settings: StoreSettings) {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isDirectory())
    throw new MessagingError(
      'invalid',
      `[sqlite] ${file} is a folder: give the name of a file (SQLITE_FILE)`,
    );
  if (settings.topology === 'declare') mkdirSync(dirname(file), { recursive: true });
  else if (found === undefined) throw missingSchema(file, 0); // SQLite would make the file
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA page_size = ${PAGE_SIZE}; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    ensureSchema(database, file, settings);
    const { ino } = statSync(file);
    const probe = prepare(database, 'SELECT value FROM meta');
    return {
      realPath: realpathSync(file),
      atomically: createAtomically(database, 'IMMEDIATE'),
      documents: createDocuments(database),
      streams: createStreams(database),
      outbox: createOutbox(database),
      inbox: createInbox(database),
      /** SQLite goes on with a file that was deleted, and it is gone with the process. @throws MessagingError `unavailable` */
      check() {
        probe.get();
        if (statSync(file, { throwIfNoEntry: false })?.ino === ino) return;
        throw new MessagingError(
          'unavailable',
          `[sqlite] ${file} was removed or replaced after it was opened: what is stored now is lost, restart`,
        );
      },
      close: () => database.close(),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}
