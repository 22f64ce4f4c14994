//! An exam's way to Orthanc through the outbox, by the built program.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use sonolamp::pacs::Object;

use crate::holds;
use crate::servers::{Line, Orthanc};

/// Of the clip.
const US: &str = "1.2.840.10008.5.1.4.1.1.3.1";

/// A box with one exam, its configuration naming a PACS on loopback, in clear.
struct Clinic {
    folder: tempfile::TempDir,
    exam: String,
}

impl Clinic {
    fn new(port: u16) -> Clinic {
        let clinic = Clinic { folder: tempfile::tempdir().unwrap(), exam: String::new() };
        let public = clinic.good(&["exam", "keys", &clinic.path("clinic.key")]);
        std::fs::write(clinic.path("clinic.pub"), public).unwrap();
        let settings = format!(
            "[store]\nfolder = \"{}\"\nkeys = \"{}\"\nreserve_mb = 0\n[pacs]\nhost = \"127.0.0.1\"\n\
             port = {port}\ncalled = \"ORTHANC\"\ntls = false\n",
            clinic.path("exams"),
            clinic.path("clinic.pub"),
        );
        std::fs::write(clinic.path("box.toml"), settings).unwrap();
        let run = ["run", "--headless", "--json", "--every-frame", "--seconds", "6", "--source"];
        let source = ["phantom:lung-blines?seed=8", "--config", &clinic.path("box.toml")];
        clinic.good(&[&run[..], &source].concat());
        let listed = clinic.listed();
        Clinic { exam: listed["exam"].as_str().unwrap().to_owned(), ..clinic }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sonolamp"));
        command.args(arguments);
        command
    }

    fn exam(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&[&["exam"], arguments].concat());
        command.args(["--config", &self.path("box.toml")]);
        if matches!(arguments[0], "send" | "list" | "export") {
            command.args(["--key", &self.path("clinic.key")]);
        }
        command
    }

    fn good(&self, arguments: &[&str]) -> String {
        good(self.command(arguments).output().unwrap())
    }

    fn listed(&self) -> Value {
        serde_json::from_str(&good(self.exam(&["list", "--json"]).output().unwrap())).unwrap()
    }

    fn outbox(&self) -> Vec<Value> {
        let lines = good(self.exam(&["outbox", "--json"]).output().unwrap());
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What `exam export` makes of it.
    fn exported(&self) -> Vec<Object> {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().to_str().unwrap();
        good(self.exam(&["export", &self.exam, "--to", to]).output().unwrap());
        let files = walkdir::WalkDir::new(to).into_iter().map(|entry| entry.unwrap().into_path());
        let dicom = files.filter(|file| file.extension().is_some_and(|end| end == "dcm"));
        dicom.map(|file| Object::open_file(file).unwrap()).collect()
    }

    /// What the journal says.
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(Path::new(&self.path("exams")).join("journal.jsonl"));
        text.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The same, word by word.
    fn journal(&self) -> Vec<String> {
        self.lines().iter().map(|line| line["what"].as_str().unwrap().to_owned()).collect()
    }

    /// What may have arrived, in words.
    fn unclear(&self) -> Vec<String> {
        let lines = self.lines().into_iter().filter(|line| line["what"] == "unclear");
        lines.map(|line| line["about"].as_str().unwrap().to_owned()).collect()
    }
}

fn good(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that ends with this code.
fn bad(output: &Output, code: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{errors}");
    errors
}

#[test]
fn a_box_without_a_pacs_stays_offline() {
    let folder = tempfile::tempdir().unwrap();
    let config: PathBuf = folder.path().join("box.toml");
    std::fs::write(&config, "").unwrap();
    for verb in [&["echo"][..], &["worklist"], &["send", "--all", "--key", "none"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sonolamp"));
        command.arg("exam").args(verb).arg("--config").arg(&config);
        let words = bad(&command.output().unwrap(), 2);
        assert!(words.contains("the box is offline"), "{words}");
    }
}

#[test]
fn an_exam_waits_until_the_pacs_is_there() {
    let orthanc_folder = tempfile::tempdir().unwrap();
    let Some(mut orthanc) = Orthanc::new(orthanc_folder.path(), json!({})) else { return };
    let clinic = Clinic::new(orthanc.dicom);
    // A demonstration is sent only if it is named.
    let all = clinic.exam(&["send", "--all"]).output().unwrap();
    assert_eq!(good(all), "0 sent, 0 waiting\n");
    let failed = clinic.exam(&["send", &clinic.exam[..8]]).output().unwrap();
    let words = bad(&failed, 3);
    assert!(words.contains("nothing listens there"), "{words}");
    let [entry] = &clinic.outbox()[..] else { panic!() };
    assert_eq!((&entry["tries"], &entry["state"]), (&json!(1), &json!("queued")));

    let mut watch = clinic.exam(&["send", "--watch"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let said = BufReader::new(watch.stderr.take().unwrap()).lines();
    let mut waits = said.map_while(Result::ok).filter(|line| line.contains("the next try is in"));
    assert!(waits.next().unwrap().contains("in 5 s"));
    orthanc.start();
    // Nobody else reads it: a full pipe would stop the program.
    std::thread::spawn(move || waits.count());
    let said = good(watch.wait_with_output().unwrap());
    assert!(said.ends_with("sent, 3 objects\n1 sent, 0 waiting\n"), "{said}");
    assert_eq!((orthanc.files().len(), clinic.outbox().len()), (3, 0));
    assert_eq!(clinic.listed()["sent"], true);
    holds(&orthanc, &clinic.exported());
    assert!(!clinic.journal().contains(&"unclear".to_owned()));

    let again = clinic.exam(&["send", &clinic.exam]).output().unwrap();
    assert!(bad(&again, 2).contains("has been sent already"));
    good(clinic.exam(&["send", &clinic.exam, "--again"]).output().unwrap());
    assert_eq!(orthanc.files().len(), 3);
    assert!(good(clinic.exam(&["echo"]).output().unwrap()).contains("answers in clear"));
    orthanc.stop();
    assert!(bad(&clinic.exam(&["echo"]).output().unwrap(), 3).contains("nothing listens"));
}

#[test]
fn what_a_cut_leaves_unclear_is_said_and_sent_again_as_the_same() {
    let orthanc_folder = tempfile::tempdir().unwrap();
    let Some(mut orthanc) = Orthanc::new(orthanc_folder.path(), json!({})) else { return };
    let line = Line::to(orthanc.dicom);
    let clinic = Clinic::new(line.port);
    orthanc.start();
    line.break_after(60_000);
    let broken = clinic.exam(&["send", &clinic.exam]).output().unwrap();
    let words = bad(&broken, 3);
    assert!(words.contains("hung up"), "{words}");
    assert_eq!(clinic.journal().iter().filter(|what| *what == "unclear").count(), 1);

    // The power goes while it is sent.
    line.stall_after(60_000);
    let mut sending = clinic.exam(&["send"]);
    let mut sending = sending.stderr(Stdio::null()).spawn().unwrap();
    line.wait_for_stall();
    sending.kill().unwrap();
    sending.wait().unwrap();
    line.mend();
    let seen = clinic.exam(&["outbox"]).output().unwrap();
    let words = String::from_utf8_lossy(&seen.stderr).into_owned();
    assert!(words.contains("its sending was cut off: it may have arrived"), "{words}");
    assert_eq!(clinic.journal().iter().filter(|what| *what == "unclear").count(), 2);
    assert_eq!(clinic.outbox()[0]["tries"], 2);

    let sent = good(clinic.exam(&["send"]).output().unwrap());
    assert!(sent.ends_with("1 sent, 0 waiting\n"), "{sent}");
    assert_eq!(orthanc.files().len(), 3);
    let checked = good(clinic.exam(&["check"]).output().unwrap());
    assert_eq!(checked, "1 exams, 0 damaged\n");

    // What is not to be sent any more is taken out.
    good(clinic.exam(&["send", &clinic.exam, "--again"]).output().unwrap());
    orthanc.stop();
    let again = clinic.exam(&["send", &clinic.exam, "--again"]).output().unwrap();
    bad(&again, 3);
    good(clinic.exam(&["outbox", "--drop", &clinic.exam]).output().unwrap());
    assert!(clinic.outbox().is_empty());
}

#[test]
fn orthanc_may_stop_in_the_middle_and_nothing_is_lost() {
    let orthanc_folder = tempfile::tempdir().unwrap();
    let Some(mut orthanc) = Orthanc::new(orthanc_folder.path(), json!({})) else { return };
    let line = Line::to(orthanc.dicom);
    let clinic = Clinic::new(line.port);
    let exported = clinic.exported();
    let clip = exported.iter().find(|object| object.meta().media_storage_sop_class_uid() == US);
    let pixels = clip.unwrap().element_by_name("PixelData").unwrap().to_bytes().unwrap().len();
    orthanc.start();

    // It is killed while it takes the clip.
    line.stall_after(60_000);
    let mut watch = clinic.exam(&["send", &clinic.exam, "--watch"]);
    let mut watch = watch.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(watch.stderr.take().unwrap()).lines().map_while(Result::ok);
    line.wait_for_stall();
    orthanc.stop();
    let waits = said.find(|words| words.contains(" waits: ")).unwrap();
    assert!(waits.contains("hung up"), "{waits}");
    assert_eq!(clinic.unclear().len(), 1);
    assert!(clinic.unclear()[0].starts_with("0 of 3 objects arrived at"), "{:?}", clinic.unclear());
    line.mend();

    // And again while it takes the summary; the clip has arrived.
    line.stall_after(pixels as u64 + 500_000);
    orthanc.start();
    assert!(orthanc.files().is_empty(), "no half object is shown");
    line.wait_for_stall();
    assert_eq!(orthanc.files().len(), 1);
    orthanc.stop();
    let waits = said.find(|words| words.contains(" waits: ")).unwrap();
    assert!(waits.contains("hung up"), "{waits}");
    let unclear = clinic.unclear();
    let last = unclear.last().unwrap();
    let one = last.starts_with("1 of 3 objects arrived at") && last.ends_with("one more may have");
    assert!(unclear.len() == 2 && one, "{unclear:?}");
    line.mend();
    orthanc.start();
    assert_eq!(orthanc.files().len(), 1, "what it said that it has it has");

    // Nobody else reads it: a full pipe would stop the program.
    std::thread::spawn(move || said.count());
    let told = good(watch.wait_with_output().unwrap());
    assert!(told.ends_with("sent, 3 objects\n1 sent, 0 waiting\n"), "{told}");
    assert_eq!(orthanc.files().len(), 3, "sent again under the same numbers");
    holds(&orthanc, &exported);
    assert_eq!(clinic.journal().iter().filter(|what| *what == "sent").count(), 1);
    assert_eq!((clinic.outbox().len(), clinic.listed()["sent"] == true), (0, true));
    let checked = good(clinic.exam(&["check"]).output().unwrap());
    assert_eq!(checked, "1 exams, 0 damaged\n");
}
