import { describe, expect, it } from 'vitest';
import { choice, file, integer, list, optionalText, text, url } from '../src/index.ts';

const description = 'for the test';

describe('a text setting', () => {
  it.each(['plain', '  spaces stay  ', 'ünïcödé 🐝', '"quotes"'])('is taken as it is: %s', (value) => {
    expect(text({ description }).parse(value)).toBe(value);
  });

  it('that is optional is not there when it is empty', () => {
    expect(optionalText({ description }).parse('')).toBeUndefined();
    expect(optionalText({ description }).parse('given')).toBe('given');
  });

  it('keeps what is said about it', () => {
    const about = { description, default: 'x', secret: true };
    expect(text(about)).toMatchObject(about);
  });
});

describe('a whole number', () => {
  const port = integer({ description, min: 0, max: 65_535 });

  it.each([
    ['0', 0],
    ['65535', 65_535],
    ['007', 7],
  ])('may be written %s', (written, value) => {
    expect(port.parse(written)).toBe(value);
  });

  it.each([
    '',
    ' ',
    ' 1',
    '1 ',
    '1.0',
    '1e3',
    '0x10',
    '+1',
    '1,000',
    '1_000',
    '-1',
    '65536',
    '１',
    'NaN',
    'Infinity',
    '1\n',
  ])('may not be written "%s"', (written) => {
    expect(() => port.parse(written)).toThrow('expected a whole number from 0 to 65535');
  });

  it('may be negative where that is allowed', () => {
    expect(integer({ description, min: -5 }).parse('-5')).toBe(-5);
    expect(() => integer({ description, min: -5 }).parse('-6')).toThrow('from -5');
  });

  it('is never rounded: what a number cannot hold is refused', () => {
    expect(() => integer({ description, min: 0 }).parse('9007199254740993')).toThrow('whole number');
    expect(() => integer({ description, min: 0 }).parse('9'.repeat(400))).toThrow('whole number');
  });
});

describe('a choice', () => {
  const level = choice(['debug', 'info'], { description });

  it('is one of its values', () => {
    expect(level.parse('info')).toBe('info');
  });

  it.each(['', 'INFO', 'info ', 'warn', 'toString', '__proto__'])('is nothing else: "%s"', (value) => {
    expect(() => level.parse(value)).toThrow('expected one of debug, info');
  });
});

describe('a list', () => {
  it.each<[string, readonly string[]]>([
    ['', []],
    [' , ,', []],
    ['one', ['one']],
    [' one , two,,three ', ['one', 'two', 'three']],
  ])('"%s" is split at commas, without spaces and empty items', (value, items) => {
    expect(list({ description }).parse(value)).toEqual(items);
  });
});

describe('a URL', () => {
  const server = url(['loft:', 'tls:'], { description });

  it.each([
    'loft://127.0.0.1:4222',
    'LOFT://Host',
    'tls://user:p%40ss@host:4222',
    'loft://one:4222, loft://two:4222',
    'loft://[::1]:4222',
  ])('may be %s', (value) => {
    expect(server.parse(value)).toBe(value);
  });

  it.each([
    '',
    'localhost',
    'localhost:4222',
    'loft:',
    'loft:host',
    'loft:///',
    'http://host',
    'loft://one,http://two',
    'loft://one,',
    'javascript:alert(1)',
  ])('may not be "%s"', (value) => {
    expect(() => server.parse(value)).toThrow('expected a URL that starts with loft:// or tls://');
  });

  it('is a secret unless it says otherwise, and is not quoted when it is refused', () => {
    expect(server.secret).toBe(true);
    expect(url(['http:'], { description, secret: false }).secret).toBe(false);
    expect(() => server.parse('http://user:hunter2@host')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });
});

describe('a file setting', () => {
  const setting = file((path) => `what stands in ${path}`, { description });

  it('has the text of the file as its value, and is not there when it is empty', () => {
    expect(setting.parse('ca.pem')).toBe('what stands in ca.pem');
    expect(setting.parse(setting.default ?? 'required')).toBeUndefined();
  });

  it('says what the reader says when there is no such file', () => {
    const missing = file(
      () => {
        throw new Error('expected a file that can be read');
      },
      { description },
    );
    expect(() => missing.parse('ca.pem')).toThrow('expected a file that can be read');
  });
});
