import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandFacts } from './command-words.ts';

test('the effects of commands of plain words are those of their programs', () => {
  const known = {
    ls: ['ls', 'read'],
    ' /bin/cat  /etc/hosts ': ['cat', 'read'],
    "grep -r 'a; rm -rf /' .": ['grep', 'read'],
    'echo "it is"': ['echo', 'read'],
    'mkdir -p a/b': ['mkdir', 'write'],
    'rm -rf /srv/data': ['rm', 'destroy write'],
    "'/usr/bin/rm' x": ['rm', 'destroy write'],
    'chmod 600 x': ['chmod', 'administer'],
    'chown ann x': ['chown', 'administer'],
    'systemctl restart app': ['systemctl', 'unknown'],
    // Each of these runs whatever its arguments name.
    "printf -v 'a[$(rm x)]' y": ['printf', 'unknown'],
    'service ../../bin/rm x': ['service', 'unknown'],
    'mount -t fuse rm x': ['mount', 'unknown'],
    'userdel -r ann': ['userdel', 'unknown'],
    'python3 job.py': ['python3', 'unknown'],
    '/srv/bin/ls': ['/srv/bin/ls', 'unknown'],
    '': [null, 'unknown'],
  };
  for (const [command, expected] of Object.entries(known)) {
    const { program, effects } = commandFacts(command);
    assert.deepEqual([program, effects.join(' ')], expected, command);
  }
});

test('a command in which a shell may find more than words is unknown', () => {
  const others = [
    'ls; rm x',
    'ls && rm x',
    'ls | sh',
    'ls > x',
    'ls $(rm x)',
    'ls `rm x`',
    'echo "$(rm x)"',
    'echo "`rm x`"',
    'echo $HOME',
    'ls\nrm x',
    'ls \n rm x',
    'ls\rrm x',
    'ls & rm x',
    'ls *',
    'ls ~',
    'l\\s',
    "l's' x'y",
    'PATH=/tmp ls',
    '(ls)',
    '{ ls; }',
    'ls # x',
    '!ls',
    'ls\0x',
    "ls 'x\0y'",
    'ls "x\0y"',
    // fish finds `rm` here, csh may find more than a word in the others.
    "echo 'a\\' '; rm -rf x; #'",
    "echo '!#'",
    "echo 'a\nrm x\n'",
    'echo "a\nrm x\n"',
    'ls\u00a0x',
    `ls ${'x'.repeat(5000)}`,
  ];
  for (const command of others) {
    const { program, effects } = commandFacts(command);
    assert.deepEqual([program, effects], [null, ['unknown']], command);
  }
});

test('a long hostile command is read in one pass', () => {
  for (const unit of ["'", '"', "a'", 'a ', "'a' ", '\t']) {
    assert.deepEqual(commandFacts(`${unit.repeat(4096).slice(0, 4095)};`).effects, ['unknown']);
  }
});
