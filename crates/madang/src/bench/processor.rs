//! The processor time of processes, as the kernel counts it (proc(5), `stat`, fields 14 and 15).

/// Ticks a second (`sysconf(_SC_CLK_TCK)` is 100 on every Linux this runs on).
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds of processor time these processes have used so far.
pub(crate) fn seconds(pids: &[u32]) -> Result<f64, std::io::Error> {
    pids.iter().map(|pid| used(*pid)).sum()
}

/// KiB of memory these processes have in use.
pub(crate) fn resident_kb(pids: &[u32]) -> Result<u64, std::io::Error> {
    let of = |pid: &u32| -> Result<u64, std::io::Error> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| std::io::Error::other(format!("/proc/{pid}/status has an unexpected form")))
    };
    pids.iter().map(of).sum()
}

fn used(pid: u32) -> Result<f64, std::io::Error> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let unexpected = || std::io::Error::other(format!("/proc/{pid}/stat has an unexpected form"));
    // The second field is the name in parentheses, which may itself hold spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(unexpected)?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).ok_or_else(unexpected);
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}
