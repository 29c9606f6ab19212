import { once } from 'node:events';
import { silentLogger } from '@waggle/kernel';
import { createSqliteStore } from '../src/index.ts';
import type { Told } from './setup.ts';

// Another process: opens the file and, when it is told so, appends so many times to one stream, whoever else does.
const tell = (told: Told): void => void process.send?.(told);

const [, , file = ''] = process.argv;
const store = createSqliteStore({
  file,
  synchronous: 'normal',
  settings: { namespace: 'test', topology: 'declare', requestTimeoutMs: 10_000, logger: silentLogger },
});

await store.open();
const asked = once(process, 'message');
tell('ready');
const [times] = await asked;
let expected = 0;
for (let appended = 0; appended < Number(times);) {
  const id = `${process.pid}-${appended}`;
  const events = [{ id, type: 'counted', schemaVersion: 1, data: '{}', metadata: '{}' }];
  const committed = await store.commit('s', {
    timeMs: 1,
    streams: [{ stream: 'count-1', expected, events }],
  });
  if (committed.outcome === 'conflict') expected = committed.stream?.actual ?? 0;
  if (committed.outcome !== 'committed') continue;
  expected = committed.versions[0] ?? 0;
  tell({ appended: ++appended });
}
tell('done');
await store.close();
