import { existsSync } from 'node:fs';
import { loadEnvFile } from 'node:process';

/** Adds what `.env` of the working directory says to the environment, where there is one. What is set already wins. */
export function readEnvFile(): void {
  if (existsSync('.env')) loadEnvFile('.env');
}
