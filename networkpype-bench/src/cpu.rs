//! The processor time that was used, which counts what others do on the machine less than a clock on the wall.

use std::time::Duration;

/// User and system time of this thread.
pub fn of_thread() -> Duration {
    read(Whose::Thread)
}

/// User and system time of the whole process.
pub fn of_process() -> Duration {
    read(Whose::Process)
}

enum Whose {
    Thread,
    Process,
}

#[cfg(unix)]
fn read(whose: Whose) -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(match whose {
        Whose::Thread => ClockId::ThreadCPUTime,
        Whose::Process => ClockId::ProcessCPUTime,
    });
    // The system counts a process's time from zero upwards, in nanoseconds below a second.
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

/// Elsewhere, time on the wall has to do.
#[cfg(not(unix))]
fn read(_whose: Whose) -> Duration {
    use std::{sync::LazyLock, time::Instant};

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
