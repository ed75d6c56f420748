//! Runs programs that cannot outlive their owner, whatever ends the owner.
//!
//! In: program names and arguments. Out: pids, and log files in the data folder. A small shell
//! process holds the programs and reads a pipe from us: when the pipe closes, also by SIGKILL, it
//! kills them and removes the data folder. (`PR_SET_PDEATHSIG` from here would need unsafe code and
//! would fire when the *thread* that started a program ends.)

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = include_str!("../assets/supervisor.sh");

/// The shell process of one cluster.
#[derive(Debug)]
pub(crate) struct Supervisor {
    shell: Child,
    /// Closing it ends all programs.
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
}

impl Supervisor {
    /// Starts the shell for a data folder, which it removes at the end if told so.
    pub(crate) fn spawn(folder: &Path, remove_at_end: bool) -> io::Result<Self> {
        fs::create_dir_all(folder.join("run"))?;
        fs::create_dir_all(log_path(folder, "supervisor").parent().unwrap_or(folder))?;
        let script = folder.join("supervisor.sh");
        fs::write(&script, SCRIPT)?;
        let mut shell = Command::new("sh")
            .arg(script)
            .arg(folder)
            .arg(if remove_at_end { "remove" } else { "leave" })
            // Ctrl-C in a terminal goes to the foreground group: the owner decides what it means.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(log_path(folder, "supervisor"))?)
            .spawn()?;
        let commands = shell.stdin.take();
        let answers = shell.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Self {
            shell,
            commands,
            answers: BufReader::new(answers),
            folder: folder.to_path_buf(),
        })
    }

    /// Starts a program and returns its pid; its output goes to its log.
    pub(crate) fn start(&mut self, name: &str, path: &Path, args: &[String]) -> io::Result<u32> {
        let words = std::iter::once(path.display().to_string()).chain(args.iter().cloned());
        let command: Vec<String> = words.map(|word| quoted(&word)).collect();
        fs::write(
            self.folder.join("run").join(name),
            format!("exec {}\n", command.join(" ")),
        )?;
        self.start_again(name)
    }

    /// Starts a program with the arguments that it had before.
    pub(crate) fn start_again(&mut self, name: &str) -> io::Result<u32> {
        let answer = self.ask(&format!("start {name}"))?;
        answer
            .parse()
            .map_err(|_| io::Error::other(format!("the supervisor said `{answer}`")))
    }

    /// Kills a program and waits for its end.
    pub(crate) fn stop(&mut self, name: &str) -> io::Result<()> {
        self.ask(&format!("stop {name}")).map(drop)
    }

    /// Lets the programs outlive this process; SIGTERM to the returned pid ends them.
    pub(crate) fn keep(mut self) -> io::Result<u32> {
        self.ask("keep")?;
        self.commands = None;
        Ok(self.shell.id())
    }

    /// Kills all and waits until nothing is left.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.close()
    }

    fn close(&mut self) -> io::Result<()> {
        if self.commands.take().is_some() {
            self.shell.wait()?;
        }
        Ok(())
    }

    fn ask(&mut self, command: &str) -> io::Result<String> {
        let commands = self.commands.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(commands, "{command}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        if answer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Nobody is left to tell; the shell does its work all the same.
        drop(self.close());
    }
}

/// Where a program's output goes.
pub(crate) fn log_path(folder: &Path, name: &str) -> PathBuf {
    folder.join("logs").join(format!("{name}.log"))
}

/// Whether a process still runs; one that ended and waits to be reaped does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else {
        return false;
    };
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim_start().chars().next());
    !matches!(state, None | Some('Z' | 'X'))
}

fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is_so() {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "timed out: {what}"
            );
            std::thread::yield_now();
        }
    }

    fn sleeper(supervisor: &mut Supervisor) -> u32 {
        supervisor
            .start("sleeper", Path::new("sleep"), &["600".to_owned()])
            .unwrap()
    }

    #[test]
    fn a_finished_supervisor_leaves_no_program_and_no_folder() {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut supervisor = Supervisor::spawn(&folder, true).unwrap();
        let pid = sleeper(&mut supervisor);
        assert!(is_alive(pid));
        supervisor.finish().unwrap();
        assert!(!is_alive(pid));
        assert!(!folder.exists());
    }

    #[test]
    fn a_program_can_be_stopped_and_started_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut supervisor = Supervisor::spawn(folder.path(), false).unwrap();
        let first = sleeper(&mut supervisor);
        supervisor.stop("sleeper").unwrap();
        assert!(!is_alive(first));
        let second = supervisor.start_again("sleeper").unwrap();
        assert!(is_alive(second));
        drop(supervisor);
        assert!(!is_alive(second));
        assert!(folder.path().exists());
    }

    #[test]
    fn a_program_that_ends_is_not_alive_though_nobody_reaped_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut supervisor = Supervisor::spawn(folder.path(), false).unwrap();
        let arguments = ["it's".to_owned(), "$HOME".to_owned()];
        let pid = supervisor
            .start("echo", Path::new("echo"), &arguments)
            .unwrap();
        wait_until("the end of echo", || !is_alive(pid));
        let log = fs::read_to_string(log_path(folder.path(), "echo")).unwrap();
        assert_eq!(log, "it's $HOME\n");
    }

    #[test]
    fn kept_programs_end_when_the_shell_is_told_so() {
        let folder = tempfile::tempdir().unwrap().keep();
        let mut supervisor = Supervisor::spawn(&folder, true).unwrap();
        let pid = sleeper(&mut supervisor);
        let shell = supervisor.keep().unwrap();
        assert!(is_alive(pid));
        Command::new("kill")
            .arg(shell.to_string())
            .status()
            .unwrap();
        wait_until("the end of the shell", || !is_alive(shell));
        assert!(!is_alive(pid));
        assert!(!folder.exists());
    }
}
