import { messageOf, MessagingError, type MessagingErrorCode } from '@waggle/kernel';

/** Primary result codes (https://sqlite.org/rescode.html): what each means here, and what to do. */
const KNOWN: Readonly<Record<number, readonly [MessagingErrorCode, string]>> = {
  3: ['denied', 'access was refused: let this user read and write the file and its folder'],
  5: ['timeout', 'another process kept writing for too long: look for one that hangs in a transaction'],
  6: ['timeout', 'another process kept writing for too long: look for one that hangs in a transaction'],
  7: ['unavailable', 'there is not enough memory'],
  8: ['denied', 'it can be read only: let this user write the file and its folder'],
  10: ['unavailable', 'the disk did not do it: look at the disk'],
  11: ['invalid', 'the file is damaged: bring back a backup'],
  13: ['unavailable', 'the disk is full: make room'],
  14: ['denied', 'it cannot be opened: let this user read and write the file and its folder'],
  18: ['too-large', 'a value is too large for SQLite'],
  26: ['invalid', 'the file is not a SQLite database: give another name (SQLITE_FILE)'],
};

/** Of the file system, while the folder is made and the file is looked at. */
const FILE_SYSTEM: Readonly<Record<string, readonly [MessagingErrorCode, string]>> = {
  EACCES: ['denied', 'access was refused: let this user make the folder, or make it yourself'],
  EPERM: ['denied', 'access was refused: let this user make the folder, or make it yourself'],
  EROFS: ['denied', 'the file system can be read only: give another place (SQLITE_FILE)'],
  ENOSPC: ['unavailable', 'the disk is full: make room'],
  ENOTDIR: ['invalid', 'a part of the path is a file, not a folder: give another name (SQLITE_FILE)'],
  EEXIST: ['invalid', 'a part of the path is a file, not a folder: give another name (SQLITE_FILE)'],
};

/** Somebody else is writing: it may pass, and nothing was done. */
export function isBusy(error: unknown): boolean {
  const code = resultOf(error);
  return code === 5 || code === 6;
}

export function translate(error: unknown, file: string, what: string): MessagingError {
  if (error instanceof MessagingError) return error;
  const result = resultOf(error);
  const [code, reason] = (result === undefined ? FILE_SYSTEM[codeOf(error)] : KNOWN[result]) ?? [
    'invalid',
    messageOf(error),
  ];
  return new MessagingError(code, `[sqlite] ${what}: ${file}: ${reason}`, { cause: error });
}

/** The low byte of SQLite's result code; the rest is detail. */
function resultOf(error: unknown): number | undefined {
  const isOurs = error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
  return isOurs ? Number(error.errcode) & 0xff : undefined;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
