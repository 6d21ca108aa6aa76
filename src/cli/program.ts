/**
 * The command line as a whole: from arguments to an exit status.
 *
 * I1. Nothing here ends the process or touches `process`: {@link run} returns the status.
 * I2. Commander only parses: its own words on errors are replaced by upstream's where there are
 *     any.
 */

import { Command, type CommanderError, type Option } from 'commander';
import type { Era } from '../views/era.js';
import { type CliDeps, Context, type SharedOptions } from './context.js';
import { DEBUGGER_USAGE, type DebuggerCommand, runDebugger } from './debugger.js';
import { UsageError, failureOf } from './errors.js';
import {
  KSTATS_HELP, MAIN_HELP, MEMGRAPH_HELP, PAGE_HELP, PS_HELP, RECORD_HELP, RUN_HELP, SHELL_HELP,
  START_HELP, TREEMAP_HELP, VMAPS_HELP, VMOS_HELP,
} from './help.js';
import { defineKstats, runKstats } from './kstats.js';
import { defineMemgraph, runMemgraph } from './memgraph.js';
import { type KernelCommand, kernelWords, runKernel } from './kernel.js';
import {
  ASPACE_HELP, HANDLE_HELP, PMM_HELP, SCANNER_HELP, VMM_HELP, zxHelp,
} from './kernel-help.js';
import { SCANNER_WORDS, runScanner } from './scanner.js';
import { addSharedOptions } from './options.js';
import { PAGE_USAGE, runPage } from './page.js';
import { type ProcessCommand, processUsage, runProcessView } from './process-views.js';
import { definePs, runPs } from './ps.js';
import { defineRecord, runRecord } from './record.js';
import { defineRun, runScenario } from './run.js';
import type { CommandWords } from './shell/complete.js';
import type { RunCommand } from './shell/session.js';
import { runStart } from './start.js';
import { runTreemap } from './treemap.js';
import { runZx, ZX_WORDS } from './zx.js';

/** A command's action, given its context, its arguments and options; a status other than 0. */
type Action = (context: Context, args: string[], options: object) => Promise<number | void>;

/** Help or a version was asked for: the text to print. */
class HelpAsked extends Error {
  constructor(readonly text: string) {
    super('help was asked for');
  }
}

/** The argument that commander quotes in a message. */
function quoted(message: string): string {
  return /'(.*)'/s.exec(message)?.[1] ?? '';
}

/** Upstream's words for a mistake in a command's arguments, else commander's. */
function usageMessage(command: string, error: CommanderError, argument: string): string {
  const { code, message } = error;
  if (command === 'vmaps' || command === 'vmos') {
    if (code === 'commander.missingArgument' || code === 'commander.excessArguments') {
      return processUsage(command);
    }
    if (code === 'commander.unknownOption') return `ERROR: "${quoted(message)}" is not a number`;
  }
  if (command === 'ps' && code === 'commander.unknownOption') {
    return `Unknown option: ${quoted(message)}`;
  }
  if (command === 'ps' && code === 'commander.excessArguments') {
    return `Unknown option: ${argument}`;
  }
  if ((command === 'aspace' || command === 'handle') && code !== 'commander.unknownOption') {
    return DEBUGGER_USAGE[command];
  }
  if (command === 'page' && code !== 'commander.unknownOption') return PAGE_USAGE;
  if (command === 'kstats' && code === 'commander.unknownOption') return 'Unknown option';
  return message.replace(/^error: /, '');
}

/** The names of all commands, as a sentence lists them. */
function commandNames(program: Command): string {
  const names = program.commands.map((command) => command.name());
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** The command that arguments name, for mistakes in options that stand before or behind it. */
function commandIn(program: Command, argv: readonly string[]): string | undefined {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (!word.startsWith('-')) {
      return program.commands.find((command) => command.name() === word)?.name();
    }
    const takesNext = program.options.some(({ required, short, long }) =>
      required && (short === word || long === word));
    if (takesNext) i++;
  }
  return undefined;
}

/** Adds a command with its help and its action. */
type Add = (name: string, help: string, action: Action) => Command;

/** Adds the kernel console's commands, whose usage follows the era, and the debugger's. */
function addConsole(add: Add, era: () => Era): void {
  const zx = add('zx', '', async (context, words) => {
    if (words[0] === 'help') throw new HelpAsked(zxHelp(era()));
    await runZx(context, words);
  }).argument('[words...]').allowUnknownOption();
  zx.helpInformation = () => zxHelp(era());
  const addKernel = (
    name: KernelCommand | 'scanner', help: string, runIt: typeof runScanner,
  ): void => {
    add(name, help, async (context, words) => {
      if (words[0] === 'help') throw new HelpAsked(help);
      await runIt(context, words);
    }).argument('[words...]');
  };
  addKernel('pmm', PMM_HELP, (context, words) => runKernel(context, 'pmm', words));
  addKernel('vmm', VMM_HELP, (context, words) => runKernel(context, 'vmm', words));
  addKernel('scanner', SCANNER_HELP, runScanner);
  const addDebugger = (name: DebuggerCommand, help: string): void => {
    add(name, help, async (context, words) => {
      if (words[0] === 'help') throw new HelpAsked(help);
      await runDebugger(context, name, words);
    }).argument('<koid>').argument('[word]');
  };
  addDebugger('aspace', ASPACE_HELP);
  addDebugger('handle', HANDLE_HELP);
}

/** What commander refused, in a command's arguments or in the options that all share. */
function usageErrorOf(
  command: Command | undefined, error: CommanderError, program: Command, argv: readonly string[],
): UsageError {
  const name = command?.name() ?? '';
  const message = usageMessage(name, error, (command ?? program).args[0] ?? '');
  const isShared = command === undefined && error.code !== 'commander.unknownOption';
  return new UsageError(message, isShared ? commandIn(program, argv) : name);
}

/** Where a command leaves its status. */
interface Ending {
  status: number;
}

/** Commands that look at a system and change nothing outside of it. */
const LOOKING: ReadonlySet<string> = new Set([
  'ps', 'vmaps', 'vmos', 'page', 'kstats', 'memgraph', 'treemap', 'zx', 'pmm', 'vmm', 'scanner',
  'aspace', 'handle',
]);

/** What a command works with; where commands only look, those that do more and `-o` are refused. */
function contextOf(program: Command, deps: CliDeps, name: string): Context {
  const options = program.opts<SharedOptions>();
  const systemGiven = program.getOptionValueSource('system') !== 'default';
  if (deps.looksOnly === true && !LOOKING.has(name)) {
    throw new UsageError(`${name} is not shown, expected ${[...LOOKING].join(', ')}`, name);
  }
  const { output = '-' } = options;
  if (deps.looksOnly === true && output !== '-') {
    throw new UsageError(`what is shown writes no file, found -o ${output}`, name);
  }
  return new Context(deps, { ...options, systemGiven }, name);
}

/** Builds the commands, each with the options that all share. */
function buildProgram(
  argv: readonly string[], deps: CliDeps, version: string, ending: Ending,
): Command {
  let asked = '';
  const program = new Command('memsim');
  const onExit = (command: Command) => (error: CommanderError): never => {
    if (error.exitCode === 0) throw new HelpAsked(asked);
    throw usageErrorOf(command === program ? undefined : command, error, program, argv);
  };
  program
    .configureOutput({
      writeOut: (text) => (asked += text),
      writeErr: () => undefined,
      outputError: () => undefined,
    })
    .version(version)
    .helpCommand(false)
    .showSuggestionAfterError(false)
    .exitOverride(onExit(program))
    .argument('[command...]')
    .action(([command]: string[]) => {
      if (command === 'help') throw new HelpAsked(MAIN_HELP);
      const what = command === undefined ? 'no command given' : `unknown command '${command}'`;
      throw new UsageError(`${what}, expected ${commandNames(program)}`);
    });
  program.helpInformation = () => MAIN_HELP;
  addSharedOptions(program);

  const add = (name: string, help: string, action: Action): Command => {
    const command = program.command(name).allowExcessArguments(false);
    command.helpInformation = () => help;
    return command.exitOverride(onExit(command)).action(async () => {
      const context = contextOf(program, deps, name);
      ending.status = (await action(context, command.args, command.opts())) ?? 0;
      await context.close();
    });
  };
  const addProcessView = (name: ProcessCommand, help: string): void => {
    add(name, help, async (context, [koid = '']) => {
      if (koid === 'help') throw new HelpAsked(help);
      await runProcessView(context, name, koid);
    }).argument('<koid>');
  };
  definePs(add('ps', PS_HELP, (context, _args, options) => runPs(context, options)));
  addProcessView('vmaps', VMAPS_HELP);
  addProcessView('vmos', VMOS_HELP);
  add('page', PAGE_HELP, async (context, [page = '']) => {
    if (page === 'help') throw new HelpAsked(PAGE_HELP);
    await runPage(context, page);
  }).argument('<page>');
  defineKstats(
    add('kstats', KSTATS_HELP, (context, _args, options) => runKstats(context, options)),
  );
  defineMemgraph(add('memgraph', MEMGRAPH_HELP, (context, args, options) =>
    runMemgraph(context, args, options)));
  add('treemap', TREEMAP_HELP, (context) => runTreemap(context));
  defineRecord(add('record', RECORD_HELP, (context, _args, options) =>
    runRecord(context, options)));
  addConsole(add, () => program.opts<SharedOptions>().era);
  const runCommand: RunCommand = (words, world) => run(words, world, version);
  defineRun(add('run', RUN_HELP, (context, [file], options) =>
    runScenario(context, runCommand, file, options)));
  add('start', START_HELP, (context) => runStart(context));
  add('shell', SHELL_HELP, async (context, [file]) => {
    const { runShell } = await import('./shell/run.js');
    return runShell(context, commandWords(program), runCommand, file);
  }).argument('[file]');
  return program;
}

/** Words that follow a command of the kernel's console. */
function wordsOf(command: string): readonly string[] {
  if (command === 'zx') return ZX_WORDS;
  if (command === 'scanner') return SCANNER_WORDS;
  return command === 'pmm' || command === 'vmm' ? kernelWords(command) : [];
}

/** What each command takes, for completion. */
function commandWords(program: Command): CommandWords[] {
  return program.commands.map((command) => {
    const options = [...command.options, ...program.options];
    const spelled = (option: Option): string[] =>
      [option.short, option.long].filter((word) => word !== undefined);
    return {
      name: command.name(),
      options: [...options.flatMap(spelled), '--help'],
      words: wordsOf(command.name()),
      values: new Map(options.flatMap((option) =>
        spelled(option).map((word) => [word, option.argChoices ?? []]))),
      takesProcess: command.registeredArguments.some((argument) => argument.name() === 'koid'),
    };
  });
}

/** Prints help to standard output. */
async function printHelp(deps: CliDeps, text: string): Promise<void> {
  await new Context(deps, { system: '', era: 'page' }).print(text);
}

/**
 * Runs one command line.
 *
 * @param argv - the arguments after the program's name
 * @param deps - the world outside
 * @param version - what `--version` prints
 * @returns exit status: 0 done, 2 wrong usage, 1 every other failure
 */
export async function run(
  argv: readonly string[], deps: CliDeps, version: string,
): Promise<number> {
  try {
    // Zircon's tools strip any number of dashes before `help`.
    const args = argv.map((arg) => (/^-+help$/.test(arg) ? '--help' : arg));
    const ending: Ending = { status: 0 };
    try {
      await buildProgram(args, deps, version, ending).parseAsync(args, { from: 'user' });
    } catch (error) {
      if (!(error instanceof HelpAsked)) throw error;
      await printHelp(deps, error.text);
    }
    return ending.status;
  } catch (error) {
    const { status, text } = failureOf(error, deps.debug);
    if (text !== '') {
      await new Promise<void>((resolve) => deps.stderr.write(text, () => resolve()));
    }
    return status;
  }
}
