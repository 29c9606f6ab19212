import { expect, test } from 'vitest';
import { broker } from '../src/module.ts';
import { paperPlaneOptions, planOf, type PaperPlaneSettings } from '../src/paper-plane-settings.ts';

/** As the host reads the environment. */
function read(environment: Readonly<Record<string, string>>): PaperPlaneSettings {
  const values = Object.entries(broker.settings).map(([name, setting]) => [
    name,
    setting.parse(environment[name] ?? setting.default ?? ''),
  ]);
  return Object.fromEntries(values) as PaperPlaneSettings;
}
const problems = (environment: Readonly<Record<string, string>>) => broker.check(read(environment));

test('without any setting it connects to this machine, without credentials and TLS', () => {
  const values = read({});
  expect(broker.check(values)).toEqual([]);
  expect(paperPlaneOptions(values)).toEqual({ url: 'paper-plane://127.0.0.1:7777' });
});

test('a URL of another protocol is refused, and one that is none', () => {
  expect(() => read({ PAPER_PLANE_URL: 'https://host' })).toThrow('expected a URL that starts with');
  expect(problems({ PAPER_PLANE_URL: 'paper-plane://host:no-port' })).toEqual([
    'PAPER_PLANE_URL is not a URL: write paper-plane://host:7777',
  ]);
});

test('a user and a password go to the driver together', () => {
  const both = { PAPER_PLANE_USER: 'ada', PAPER_PLANE_PASSWORD: 'secret' };
  expect(problems(both)).toEqual([]);
  expect(paperPlaneOptions(read(both))).toMatchObject({ user: 'ada', password: 'secret' });
  expect(problems({ PAPER_PLANE_USER: 'ada' })).toEqual([expect.stringContaining('set both, or neither')]);
  expect(problems({ ...both, PAPER_PLANE_URL: 'paper-plane://bob:other@localhost' })).toEqual([
    expect.stringContaining('keep one of them'),
  ]);
});

test('a password leaves this machine with TLS only, or where nobody else can listen', () => {
  const far = { PAPER_PLANE_URL: 'paper-plane://ada:secret@far.example' };
  expect(problems(far)).toEqual([expect.stringContaining('would send a password without TLS')]);
  expect(problems({ ...far, PAPER_PLANE_CLEARTEXT: 'anywhere' })).toEqual([]);
  expect(problems({ PAPER_PLANE_URL: 'tls://ada:secret@far.example' })).toEqual([]);
});

test('tls:// wants TLS', () => {
  const values = read({ PAPER_PLANE_URL: 'tls://far.example' });
  expect(planOf(values).isEncrypted).toBe(true);
  expect(paperPlaneOptions(values).tls).toEqual({});
});
