import { isCancel, text } from '@clack/prompts';

/** Asks on the terminal. @returns undefined when it was called off */
export async function ask(
  questions: readonly (readonly [what: string, example: string])[],
): Promise<readonly string[] | undefined> {
  const answers: string[] = [];
  for (const [message, placeholder] of questions) {
    const answer = await text({ message, placeholder });
    if (isCancel(answer)) return undefined;
    answers.push(answer ?? '');
  }
  return answers;
}
