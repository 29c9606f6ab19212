import { enableCompileCache } from 'node:module';

enableCompileCache();

const { runFromEnvironment } = await import('./run.ts');
await runFromEnvironment(process.env);
