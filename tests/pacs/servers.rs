//! What a test talks to: Orthanc and dcmtk's worklist server on loopback, a line that can be cut
//! between, certificates.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

/// Where a program is; says so where it is not.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/usr/local/sbin";
    let found = std::env::split_paths(&path).map(|f| f.join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("skipped: {name} is not installed (Debian: apt install orthanc dcmtk openssl)");
    }
    found
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until something has happened, for a minute at most.
fn wait(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what} took too long");
        thread::sleep(Duration::from_millis(50));
    }
}

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Orthanc {
    program: PathBuf,
    folder: PathBuf,
    pub dicom: u16,
    http: u16,
    running: Option<Running>,
}

impl Orthanc {
    /// Not started yet; `more` settings go with the usual ones.
    pub fn new(folder: &Path, more: serde_json::Value) -> Option<Orthanc> {
        let (program, folder) = (program("Orthanc")?, folder.join("orthanc"));
        std::fs::create_dir(&folder).unwrap();
        let (dicom, http) = (free_port(), free_port());
        let mut settings = json!({
            "StorageDirectory": folder, "IndexDirectory": folder,
            "DicomPort": dicom, "HttpPort": http, "DicomAet": "ORTHANC",
            "DicomCheckCalledAet": true, "RemoteAccessAllowed": false,
            "AuthenticationEnabled": false, "Plugins": [],
        });
        let all = settings.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        std::fs::write(folder.join("orthanc.json"), settings.to_string()).unwrap();
        Some(Orthanc { program, folder, dicom, http, running: None })
    }

    pub fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command.arg(self.folder.join("orthanc.json")).current_dir(&self.folder);
        let log = std::fs::File::create(self.folder.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.running = Some(Running(command.spawn().unwrap()));
        wait("Orthanc's start", || self.get("/system").is_some());
    }

    /// At once, as by a cut.
    pub fn stop(&mut self) {
        self.running = None;
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let good = answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200");
        good.then(|| answer[end + 4..].to_vec())
    }

    /// All files that it holds, in no order.
    pub fn files(&self) -> Vec<Vec<u8>> {
        let ids: Vec<String> = serde_json::from_slice(&self.get("/instances").unwrap()).unwrap();
        ids.iter().map(|id| self.get(&format!("/instances/{id}/file")).unwrap()).collect()
    }
}

/// dcmtk's worklist server, for one AE title, with these entries as `dump2dcm` reads them.
pub struct Worklist {
    pub port: u16,
    _running: Running,
}

impl Worklist {
    pub fn start(folder: &Path, title: &str, entries: &[&str]) -> Option<Worklist> {
        let (server, convert) = (program("wlmscpfs")?, program("dump2dcm")?);
        let (port, list) = (free_port(), folder.join(title));
        std::fs::create_dir(&list).unwrap();
        std::fs::write(list.join("lockfile"), "").unwrap();
        for (number, entry) in entries.iter().enumerate() {
            let dump = folder.join(format!("{number}.dump"));
            std::fs::write(&dump, entry).unwrap();
            let file = list.join(format!("{number}.wl"));
            let mut command = Command::new(&convert);
            command.args(["--quiet", "--write-xfer-little"]).arg(&dump).arg(file);
            assert!(command.status().unwrap().success());
        }
        let mut command = Command::new(server);
        command.args(["--single-process", "--keep-char-set", "--data-files-path"]);
        command.arg(folder).arg(port.to_string());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let running = Running(command.spawn().unwrap());
        wait("wlmscpfs's start", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Some(Worklist { port, _running: running })
    }
}

/// A line to a port that breaks, or stands still, once so many bytes have gone there.
pub struct Line {
    pub port: u16,
    left: Arc<AtomicU64>,
    stalls: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
}

impl Line {
    pub fn to(target: u16) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let line = Line {
            port: listener.local_addr().unwrap().port(),
            left: Arc::new(AtomicU64::new(u64::MAX)),
            stalls: Arc::default(),
            stalled: Arc::default(),
        };
        let (left, stalls, stalled) =
            (line.left.clone(), line.stalls.clone(), line.stalled.clone());
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", target)) else { continue };
                let (mut from, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let over = Arc::<AtomicBool>::default();
                let shared = (left.clone(), stalls.clone(), stalled.clone(), over.clone());
                thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                    over.store(true, Ordering::SeqCst);
                });
                thread::spawn(move || carry(client, server, shared));
            }
        });
        line
    }

    /// The next so many bytes are carried, then the line breaks.
    pub fn break_after(&self, bytes: u64) {
        self.stalls.store(false, Ordering::SeqCst);
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// The next so many bytes are carried, then the line stands still.
    pub fn stall_after(&self, bytes: u64) {
        self.stalled.store(false, Ordering::SeqCst);
        self.stalls.store(true, Ordering::SeqCst);
        self.left.store(bytes, Ordering::SeqCst);
    }

    pub fn wait_for_stall(&self) {
        wait("sending", || self.stalled.load(Ordering::SeqCst));
    }

    /// Once this returns, what stood still has ended.
    pub fn mend(&self) {
        self.left.store(u64::MAX, Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
    }
}

type Shared = (Arc<AtomicU64>, Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicBool>);

fn carry(mut client: TcpStream, mut server: TcpStream, (left, stalls, stalled, over): Shared) {
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = client.read(&mut piece) {
        if left.load(Ordering::SeqCst) < read as u64 {
            if stalls.load(Ordering::SeqCst) {
                stalled.store(true, Ordering::SeqCst);
                let mended = || left.load(Ordering::SeqCst) == u64::MAX;
                wait("the end of a stall", || mended() || over.load(Ordering::SeqCst));
            }
            break;
        }
        if left.load(Ordering::SeqCst) != u64::MAX {
            left.fetch_sub(read as u64, Ordering::SeqCst);
        }
        if server.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = (client.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

/// An authority and certificates that it has signed, made by openssl.
pub struct Authority {
    openssl: PathBuf,
    folder: PathBuf,
}

impl Authority {
    pub fn new(folder: &Path) -> Option<Authority> {
        let authority = Authority { openssl: program("openssl")?, folder: folder.to_owned() };
        std::fs::create_dir_all(folder).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        authority.run(&format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj /CN={name}"
        ));
        Some(authority)
    }

    fn run(&self, arguments: &str) {
        let mut command = Command::new(&self.openssl);
        command.args(arguments.split(' ')).current_dir(&self.folder);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// A certificate for a name such as `IP:127.0.0.1`, valid for so many days, and its key.
    pub fn sign(&self, file: &str, name: &str, days: i32) -> (PathBuf, PathBuf) {
        std::fs::write(self.folder.join("names"), format!("subjectAltName={name}\n")).unwrap();
        self.run(&format!(
            "req -newkey rsa:2048 -nodes -keyout {file}.key -out {file}.csr -subj /CN={file}"
        ));
        self.run(&format!(
            "x509 -req -in {file}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} \
             -extfile names -out {file}.pem"
        ));
        (self.folder.join(format!("{file}.pem")), self.folder.join(format!("{file}.key")))
    }
}
