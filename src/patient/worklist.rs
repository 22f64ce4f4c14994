//! Patients who are expected: a file that another program writes.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{Patient, date, sex, tidy};
use crate::error::{Error, ErrorKind, plain_words};

/// Whatever is longer is no worklist, in bytes.
const LONGEST: u64 = 1 << 20;

/// As it stands in the file; other keys are none of our business.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Waiting {
    name: String,
    number: String,
    born: String,
    sex: String,
    accession: String,
    study: String,
}

/// Reads the file, a JSON array; nobody is expected where it is not there.
pub fn worklist(path: &Path) -> Result<Vec<Patient>, Error> {
    let wrong = |problem: String| {
        let remedy = "type the patient; see what writes `store.worklist`";
        // What it holds must not be told.
        Error::new(ErrorKind::Input, "the worklist", problem, remedy)
    };
    // Opening anything else could take for ever.
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map(|file| file.take(LONGEST + 1));
    let read = file.and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|e| wrong(format!("cannot be read ({})", plain_words(&e))))?;
    if text.len() as u64 > LONGEST {
        return Err(wrong("is longer than 1 MB".to_owned()));
    }
    let waiting: Vec<Waiting> = serde_json::from_str(&text)
        .map_err(|e| wrong(format!("is no JSON array of patients (line {})", e.line())))?;
    let patient = |w: Waiting| Patient {
        name: tidy(&readable(&w.name)),
        number: tidy(&w.number),
        born: date(w.born.trim()).unwrap_or_default(),
        sex: sex(w.sex.trim()).unwrap_or_default().to_owned(),
        accession: tidy(&w.accession),
        study: tidy(&w.study),
    };
    Ok(waiting.into_iter().map(patient).filter(|patient| !patient.is_empty()).collect())
}

/// A name in DICOM's parts as it would be typed: the family's, a comma, the others; the same in another
/// script stands behind an equals sign. `handover` makes DICOM's parts of it again.
fn readable(name: &str) -> String {
    let group = |group: &str| {
        let mut parts = group.split('^').map(str::trim).filter(|part| !part.is_empty());
        let family = parts.next().unwrap_or_default().to_owned();
        let others = parts.collect::<Vec<_>>().join(" ");
        if others.is_empty() { family } else { format!("{family}, {others}") }
    };
    let groups = name.split('=').map(group).filter(|group| !group.is_empty());
    groups.collect::<Vec<_>>().join(" = ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_parts_are_read_as_people_type_them() {
        for (sent, read) in [
            ("Lee^Ann", "Lee, Ann"),
            ("Lee^Ann^Mary^Dr^", "Lee, Ann Mary Dr"),
            ("Wang^XiaoDong=王^小東=", "Wang, XiaoDong = 王, 小東"),
            ("Ann Lee", "Ann Lee"),
            ("Lee, Ann", "Lee, Ann"),
            ("^^=", ""),
        ] {
            assert_eq!(readable(sent), read, "{sent}");
        }
    }

    #[test]
    fn a_worklist_is_read_as_far_as_it_can_be_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("worklist.json");
        assert!(worklist(&path).unwrap().is_empty(), "it may be absent");
        let text = r#"[{"name": "Ann\u0007 Lee", "number": "17", "born": "19610430", "sex": "f",
            "accession": "A1", "study": "1.2.3", "ward": 3}, {"number": "18", "born": "soon"}, {}]"#;
        std::fs::write(&path, text).unwrap();
        let patients = worklist(&path).unwrap();
        let [first, second] = &patients[..] else { panic!("{}", patients.len()) };
        assert_eq!((&*first.name, &*first.born, &*first.sex), ("Ann Lee", "1961-04-30", "F"));
        assert_eq!((&*first.accession, &*first.study, &*first.number), ("A1", "1.2.3", "17"));
        assert_eq!((&*second.number, &*second.born), ("18", ""));
        for damaged in ["{}", "[{\"name\": \"Xylophone\"", "[1]", "\u{0}"] {
            std::fs::write(&path, damaged).unwrap();
            let words = worklist(&path).unwrap_err().to_string();
            assert!(words.contains("worklist") && !words.contains("Xylo"), "{words}");
        }
        std::fs::write(&path, vec![b' '; 2 << 20]).unwrap();
        assert!(worklist(&path).unwrap_err().to_string().contains("1 MB"));
    }
}
