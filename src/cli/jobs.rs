//! Many clips on a few threads, results in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::pipeline::{Model, Stages};
use crate::screening::Mode;

/// Threads for `count` clips where `jobs` are asked for; 0 asks for one a processor.
pub fn threads(jobs: usize, count: usize) -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    if jobs == 0 { processors } else { jobs }.clamp(1, count.max(1))
}

/// [`spread`] over threads that each have stages of their own.
pub fn run<T: Send>(
    model: &Model,
    count: usize,
    jobs: usize,
    work: impl Fn(usize, &mut Stages) -> T + Sync,
    each: impl FnMut(usize, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let stages: Vec<Stages> =
        (0..threads(jobs, count)).map(|_| model.stages(Mode::Clip)).collect::<Result<_, _>>()?;
    spread(stages, count, work, each)
}

/// Calls `work` for every index below `count`, on one thread for each of `owned`, and `each` with
/// every result in order of the index. The first error of `each` ends the run.
pub fn spread<S: Send, T: Send>(
    owned: Vec<S>,
    count: usize,
    work: impl Fn(usize, &mut S) -> T + Sync,
    mut each: impl FnMut(usize, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    std::thread::scope(|scope| {
        for mut own in owned {
            let send = send.clone();
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    // The receiver hangs up when the run has ended early.
                    if i >= count || send.send((i, work(i, &mut own))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = std::collections::BTreeMap::new();
        let mut wanted = 0;
        let outcome = receive.iter().try_for_each(|(i, result)| {
            waiting.insert(i, result);
            while let Some(result) = waiting.remove(&wanted) {
                each(wanted, result)?;
                wanted += 1;
            }
            Ok(())
        });
        drop(receive);
        outcome
    })
}
