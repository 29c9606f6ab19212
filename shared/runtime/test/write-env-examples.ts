import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { envExamples, ROOT } from './env-example.ts';

// `npm run env`: writes every .env.example anew, from the settings as they are.
for (const [file, text] of await envExamples()) {
  await writeFile(join(ROOT, file), text);
  console.log(file);
}
