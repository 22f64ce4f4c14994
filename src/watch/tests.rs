//! Server and watchers on real sockets.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::error::Error;
use crate::frame::{Bounds, Frame};
use crate::pipeline::latest::Latest;
use crate::pipeline::shutdown::Shutdown;
use crate::screening::Verdict;
use crate::snapshot::{Identity, Snapshot};

fn identity() -> Arc<Identity> {
    let classes = vec!["regular".into(), "pathologic".into()];
    Arc::new(Identity { source: "phantom:lung-tour".into(), classes, ..Identity::default() })
}

fn snapshot(number: u32) -> Snapshot {
    let mut snapshot = Snapshot::new(identity());
    let luma = (0..640 * 480).map(|i| (i % 251) as u8).collect();
    let frame = Frame { width: 640, height: 480, luma, ..Frame::default() };
    snapshot.picture.shrink(&frame, Bounds::whole(&frame));
    snapshot.exam.number = number;
    snapshot.verdict = Some(Verdict::Refer);
    (0..300).for_each(|i| snapshot.history.push(i as f32));
    snapshot.heat.fill(2, &[1.0, -1.0, 0.5, 0.0], 1.0, crate::snapshot::Area::WHOLE);
    snapshot
}

/// Publishes numbered snapshots to a server while `watch` runs.
fn serving(watch: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch.sock");
    let (slot, shutdown) = (Latest::new(snapshot(0)), Shutdown::default());
    let server = Server::bind(&path).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| server.run(&slot, snapshot(0), &shutdown));
        scope.spawn(|| {
            let mut number = 0;
            while !shutdown.wait(Duration::from_millis(20)) {
                number += 1;
                slot.publish(&mut snapshot(number));
            }
        });
        watch(&path);
        shutdown.request();
    });
}

#[test]
fn a_watcher_sees_what_every_sink_sees() {
    serving(|path| {
        let mut client = Client::connect(path).unwrap();
        let mut seen = Snapshot::new(Arc::default());
        let mut numbers = Vec::new();
        for _ in 0..5 {
            assert_eq!(client.next(&mut seen).unwrap(), Seen::Fresh);
            numbers.push(seen.exam.number);
        }
        assert!(numbers.windows(2).all(|n| n[0] < n[1]), "{numbers:?}");
        let sent = snapshot(seen.exam.number);
        assert_eq!(seen.picture, sent.picture);
        assert_eq!((seen.verdict, seen.lights()), (sent.verdict, sent.lights()));
        assert!(seen.history.iter().eq(sent.history.iter()));
        assert_eq!(seen.heat.at(0.25, 0.25), sent.heat.at(0.25, 0.25));
        assert_eq!(seen.identity.source, "phantom:lung-tour");
    });
}

#[test]
fn a_watcher_that_never_reads_holds_nobody_up() {
    serving(|path| {
        let _idle = Client::connect(path).unwrap();
        let mut client = Client::connect(path).unwrap();
        let mut seen = Snapshot::new(Arc::default());
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(600) {
            assert_eq!(client.next(&mut seen).unwrap(), Seen::Fresh);
        }
        assert!(seen.exam.number > 5);
    });
}

#[test]
fn a_second_instance_is_told_and_a_dead_ones_file_gives_way() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch.sock");
    let first = Server::bind(&path).unwrap();
    let words = Server::bind(&path).err().unwrap().to_string();
    assert!(words.contains("in use by a running instance"), "{words}");
    std::mem::forget(first);
    let dead = folder.path().join("dead.sock");
    drop(std::os::unix::net::UnixListener::bind(&dead).unwrap());
    drop(Server::bind(&dead).unwrap());
    assert!(!dead.exists());
    std::fs::write(&dead, "not a socket").unwrap();
    assert!(Server::bind(&dead).is_err());
    assert_eq!(std::fs::read_to_string(&dead).unwrap(), "not a socket");
}

#[test]
fn strangers_and_damage_are_errors_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("watch.sock");
    let words = Client::connect(&path).err().unwrap().to_string();
    assert!(words.contains("start `sonolamp run` first"), "{words}");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let answered = |bytes: &[u8]| -> Result<Seen, Error> {
        std::thread::scope(|scope| {
            let server = scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.write_all(bytes);
                stream
            });
            let mut client = Client::connect(&path)?;
            drop(server.join().unwrap());
            client.next(&mut Snapshot::new(Arc::default()))
        })
    };
    let greeted = |rest: &[u8]| [greeting().as_bytes(), rest].concat();
    assert_eq!(answered(&greeted(b"")).unwrap(), Seen::End);
    assert_eq!(answered(&greeted(b"SNAP\xff\0\0\0half")).unwrap(), Seen::End);
    for bytes in [
        b"sonolamp watch 0.0.1\n".to_vec(),
        b"HTTP/1.1 400 Bad Request\n".to_vec(),
        vec![b'x'; 1000],
        greeted(b"PANS\0\0\0\0"),
        greeted(b"SNAP\xff\xff\xff\xff"),
        greeted(b"SNAP\x05\0\0\0\x01\x02\x03\x04\x05"),
    ] {
        let words = answered(&bytes).unwrap_err().to_string();
        assert!(words.contains("watch with the very version"), "{words}");
    }
    drop(UnixStream::connect(&path));
}

#[test]
fn what_would_break_a_screen_is_not_sound() {
    assert!(snapshot(1).is_sound());
    let mut broken = snapshot(1);
    broken.picture.luma.pop();
    assert!(!broken.is_sound());
    let whole = postcard::to_stdvec(&snapshot(1)).unwrap();
    let mut random = oorandom::Rand32::new(7);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = random.rand_range(0..4000) as usize;
            bytes[at] = random.rand_u32() as u8;
        }
        if let Ok(read) = postcard::from_bytes::<Snapshot>(&bytes) {
            let _ = read.is_sound();
        }
    }
}
