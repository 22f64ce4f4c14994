//! Handing over to real servers: Orthanc and dcmtk's worklist server, started on loopback. Where they
//! are not installed, these tests say so and do nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

mod sending;
mod servers;

use std::path::Path;
use std::time::Duration;

use dicom_core::value::PixelFragmentSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use serde_json::json;
use servers::{Authority, Orthanc, Worklist};
use sonolamp::pacs::{Certificates, Object, Peer};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const RLE: &str = "1.2.840.10008.1.2.5";

fn peer(port: u16, called: &str) -> Peer {
    Peer {
        host: "127.0.0.1".into(),
        port,
        called: called.into(),
        calling: "SONOLAMP".into(),
        tls: None,
        connect: Duration::from_secs(10),
        answer: Duration::from_secs(30),
    }
}

fn text(tag: Tag, vr: VR, text: &str) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, vr, PrimitiveValue::from(text))
}

/// An object with these pixels, or a report without.
fn object(number: u8, class: &str, syntax: &str) -> Object {
    let mut object = InMemDicomObject::from_element_iter([
        text(Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192"),
        text(Tag(0x0008, 0x0016), VR::UI, class),
        text(Tag(0x0008, 0x0018), VR::UI, &format!("1.2.826.0.1.{number}")),
        text(Tag(0x0008, 0x0060), VR::CS, "US"),
        text(Tag(0x0010, 0x0010), VR::PN, "Müller^Änne=王^小東"),
        text(Tag(0x0010, 0x0020), VR::LO, "17"),
        text(Tag(0x0020, 0x000d), VR::UI, "1.2.826.0.1.100"),
        text(Tag(0x0020, 0x000e), VR::UI, "1.2.826.0.1.200"),
        DataElement::new(Tag(0x0028, 0x0002), VR::US, PrimitiveValue::from(1_u16)),
        text(Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2"),
        text(Tag(0x0028, 0x0008), VR::IS, "3"),
        DataElement::new(Tag(0x0028, 0x0010), VR::US, PrimitiveValue::from(200_u16)),
        DataElement::new(Tag(0x0028, 0x0011), VR::US, PrimitiveValue::from(300_u16)),
        DataElement::new(Tag(0x0028, 0x0100), VR::US, PrimitiveValue::from(8_u16)),
    ]);
    let pixels: Vec<u8> = (0..3 * 200 * 300_u32).map(|i| (i * u32::from(number)) as u8).collect();
    let tag = Tag(0x7fe0, 0x0010);
    object.put(match syntax {
        RLE => {
            let fragments = pixels.chunks(60_000).map(<[u8]>::to_vec).collect::<Vec<_>>();
            DataElement::new(tag, VR::OB, PixelFragmentSequence::new_fragments(fragments))
        }
        _ => DataElement::new(tag, VR::OB, PrimitiveValue::from(pixels)),
    });
    object.with_meta(FileMetaTableBuilder::new().transfer_syntax(syntax)).unwrap()
}

fn objects() -> [Object; 3] {
    [
        object(1, "1.2.840.10008.5.1.4.1.1.3.1", EXPLICIT),
        object(2, "1.2.840.10008.5.1.4.1.1.3.1", RLE),
        object(3, "1.2.840.10008.5.1.4.1.1.7", EXPLICIT),
    ]
}

/// Whether Orthanc holds exactly these, attribute by attribute and in their transfer syntaxes.
fn holds(orthanc: &Orthanc, objects: &[Object]) {
    let held: Vec<Object> =
        orthanc.files().iter().map(|f| Object::from_reader(&f[..]).unwrap()).collect();
    assert_eq!(held.len(), objects.len());
    for object in objects {
        let number = object.meta().media_storage_sop_instance_uid();
        let same = held.iter().find(|o| o.meta().media_storage_sop_instance_uid() == number);
        let same = same.unwrap_or_else(|| panic!("{number} is not there"));
        assert_eq!(same.meta().transfer_syntax(), object.meta().transfer_syntax());
        alike(same, object, number);
    }
}

/// The same attributes with the same values; whether sequences tell their length is the writer's choice.
fn alike(there: &InMemDicomObject, here: &InMemDicomObject, number: &str) {
    assert!(there.tags().eq(here.tags()), "{number}");
    for (there, here) in there.iter().zip(here.iter()) {
        assert_eq!(there.vr(), here.vr(), "{number}: {}", here.header().tag);
        let (Some(these), Some(those)) = (there.items(), here.items()) else {
            assert!(there.value() == here.value(), "{number}: {}", here.header().tag);
            continue;
        };
        assert_eq!(these.len(), those.len(), "{number}: {}", here.header().tag);
        these.iter().zip(those).for_each(|(there, here)| alike(there, here, number));
    }
}

#[test]
fn orthanc_holds_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut orthanc) = Orthanc::new(folder.path(), json!({})) else { return };
    orthanc.start();
    let peer = peer(orthanc.dicom, "ORTHANC");
    peer.echo().unwrap();
    peer.store(&objects()).unwrap();
    holds(&orthanc, &objects());
    // Once more changes nothing.
    peer.store(&objects()).unwrap();
    holds(&orthanc, &objects());
    let stranger = Peer { called: "PACS".into(), ..peer };
    let failed = stranger.store(&objects()).unwrap_err();
    assert!(failed.error.problem.contains("AE title PACS") && failed.peer, "{}", failed.error);
}

fn secure(orthanc: &Orthanc, ca: &Path) -> Peer {
    let tls = Some(Certificates { ca: ca.to_owned(), own: None });
    Peer { tls, ..peer(orthanc.dicom, "ORTHANC") }
}

fn refused(peer: &Peer, words: &str) {
    let error = peer.echo().unwrap_err();
    assert!(error.to_string().contains(words), "{words}: {error}");
}

#[test]
fn tls_holds_both_to_their_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clinic) = Authority::new(&folder.path().join("clinic")) else { return };
    let Some(other) = Authority::new(&folder.path().join("other")) else { return };
    let (certificate, key) = clinic.sign("pacs", "IP:127.0.0.1", 2);
    let settings = json!({
        "DicomTlsEnabled": true, "DicomTlsCertificate": certificate, "DicomTlsPrivateKey": key,
        "DicomTlsTrustedCertificates": clinic.certificate(),
        "DicomTlsRemoteCertificateRequired": true,
    });
    let Some(mut orthanc) = Orthanc::new(folder.path(), settings) else { return };
    orthanc.start();
    let own = clinic.sign("box", "DNS:box", 2);
    let stranger = secure(&orthanc, &clinic.certificate());
    refused(&stranger, "`pacs.certificate`");
    let ours = Certificates { ca: clinic.certificate(), own: Some(own) };
    let peer = Peer { tls: Some(ours.clone()), ..stranger };
    peer.echo().unwrap();
    peer.store(&objects()).unwrap();
    holds(&orthanc, &objects());

    let by_others = Certificates { own: Some(other.sign("box", "DNS:box", 2)), ..ours.clone() };
    refused(&Peer { tls: Some(by_others), ..peer.clone() }, "does not want to talk");
    refused(&secure(&orthanc, &other.certificate()), "nobody trusted has signed");
    refused(&Peer { host: "localhost".into(), ..peer.clone() }, "is not for localhost");
    refused(&Peer { tls: None, ..peer.clone() }, "`pacs.tls = true`");
    refused(&secure(&orthanc, &folder.path().join("none.pem")), "none.pem: holds no certificate");
    let mismatched = Some((own_certificate(&ours), other.certificate()));
    let mismatched = Certificates { own: mismatched, ..ours };
    refused(&Peer { tls: Some(mismatched), ..peer }, "holds no private key");
}

fn own_certificate(certificates: &Certificates) -> std::path::PathBuf {
    certificates.own.clone().unwrap().0
}

#[test]
fn certificates_of_another_time_and_ports_without_tls_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(clinic) = Authority::new(&folder.path().join("clinic")) else { return };
    let (certificate, key) = clinic.sign("old", "IP:127.0.0.1", -1);
    let settings = json!({
        "DicomTlsEnabled": true, "DicomTlsCertificate": certificate, "DicomTlsPrivateKey": key,
        "DicomTlsTrustedCertificates": clinic.certificate(),
        "DicomTlsRemoteCertificateRequired": false,
    });
    let Some(mut orthanc) = Orthanc::new(folder.path(), settings) else { return };
    orthanc.start();
    refused(&secure(&orthanc, &clinic.certificate()), "too old; compare this box's clock");
    drop(orthanc);
    std::fs::remove_dir_all(folder.path().join("orthanc")).unwrap();
    let Some(mut plain) = Orthanc::new(folder.path(), json!({})) else { return };
    plain.start();
    refused(&secure(&plain, &clinic.certificate()), "TLS port");
}

const JANE: &str = "
(0008,0005) CS [ISO_IR 192]
(0008,0050) SH [A123]
(0010,0010) PN [Müller^Jane]
(0010,0020) LO [17]
(0010,0030) DA [19610430]
(0010,0040) CS [F]
(0020,000d) UI [1.2.826.0.1.5]
(0032,1060) LO [chest]
(0040,1001) SH [R1]
(0040,0100) SQ
(fffe,e000) -
(0008,0060) CS [US]
(0040,0001) AE [SONOLAMP]
(0040,0002) DA [20260501]
(0040,0003) TM [093000]
(0040,0007) LO [chest]
(0040,0009) SH [S1]
(fffe,e00d) -
(fffe,e0dd) -
";

#[test]
fn a_worklist_names_who_is_expected() {
    let folder = tempfile::tempdir().unwrap();
    let early = JANE.replace("Müller^Jane", "Doe^John").replace("093000", "0815");
    let another_day = JANE.replace("20260501", "20260502");
    let another_room = JANE.replace("[US]", "[CT]");
    let entries = [JANE, &early, &another_day, &another_room];
    let Some(server) = Worklist::start(folder.path(), "RIS", &entries) else { return };
    let expected = peer(server.port, "RIS").worklist("20260501").unwrap();
    let names: Vec<&str> = expected.iter().map(|who| &who.name[..]).collect();
    assert_eq!(names, ["Doe^John", "Müller^Jane"]);
    let jane = serde_json::to_value(&expected[1]).unwrap();
    let whole = json!({
        "name": "Müller^Jane", "number": "17", "born": "1961-04-30", "sex": "F",
        "accession": "A123", "study": "1.2.826.0.1.5", "time": "09:30",
    });
    assert_eq!(jane, whole);
    assert!(peer(server.port, "RIS").worklist("20260503").unwrap().is_empty());
    let error = peer(server.port, "OTHER").worklist("20260501").unwrap_err();
    assert!(error.problem.contains("AE title OTHER"), "{error}");
}
