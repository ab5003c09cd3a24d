use std::process::ExitCode;

fn main() -> ExitCode {
    ocs::cli::run()
}
