import { enableCompileCache, flushCompileCache } from 'node:module';

// A host as a process of its own. It kills itself where WAGGLE_KILL_AT says, as nobody from outside could at that moment; and
// it ends with whoever started it, who holds the other end of its standard input.
enableCompileCache();
const kill = (): void => void process.kill(process.pid, 'SIGKILL');
process.stdin.on('end', kill).resume();
const { startFromEnvironment } = await import('./mortal-process.ts');
await startFromEnvironment(process.env, kill);
flushCompileCache(); // who is killed does not come to it
