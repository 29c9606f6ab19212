import { enableCompileCache } from 'node:module';

// In JavaScript, and before anything else is loaded: with the cache on Node need not even load its TypeScript transpiler.
enableCompileCache();

const { readEnvFile } = await import('./env-file.ts');
readEnvFile();
const { runFromEnvironment } = await import('./run.ts');
await runFromEnvironment(process.env);
