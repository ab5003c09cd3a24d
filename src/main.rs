use std::process::ExitCode;

/// Runs before libtorch is initialised, which ends the process without a word of use where the working folder is gone.
#[cfg(target_os = "linux")]
#[used]
#[unsafe(link_section = ".preinit_array")]
static BEFORE_LIBRARIES: extern "C" fn() = ensure_working_folder;

#[cfg(target_os = "linux")]
extern "C" fn ensure_working_folder() {
    const MESSAGE: &[u8] =
        b"error: the working folder is gone: change to one that is there, `cd` alone will do\n";
    let mut folder = [0; 4096];
    // SAFETY: system calls alone, on memory of this function; the C library has done nothing else yet.
    unsafe {
        let failed = libc::getcwd(folder.as_mut_ptr(), folder.len()).is_null();
        if failed && *libc::__errno_location() == libc::ENOENT {
            libc::write(libc::STDERR_FILENO, MESSAGE.as_ptr().cast(), MESSAGE.len());
            libc::_exit(2);
        }
    }
}

fn main() -> ExitCode {
    // SAFETY: this is the first thing that the program does; libraries have started no threads while they were loaded.
    unsafe { ocs::train::determinism::ask_for_workspace() };
    ocs::cli::run()
}
