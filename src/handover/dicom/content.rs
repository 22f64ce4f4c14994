//! The items that a structured report is made of.

use dicom_core::VR;
use dicom_dictionary_std::tags;

use super::codes::Code;
use super::data::{Data, items, text};

/// How an item belongs to the one that it is in.
#[derive(Debug, Clone, Copy)]
pub enum Relation {
    Contains,
    ObservationContext,
    AcquisitionContext,
    ConceptModifier,
}

impl Relation {
    fn words(self) -> &'static str {
        match self {
            Relation::Contains => "CONTAINS",
            Relation::ObservationContext => "HAS OBS CONTEXT",
            Relation::AcquisitionContext => "HAS ACQ CONTEXT",
            Relation::ConceptModifier => "HAS CONCEPT MOD",
        }
    }
}

fn item(relation: Relation, kind: &str, name: Option<&Code>) -> Data {
    let mut data = Data::new_empty();
    text(&mut data, tags::RELATIONSHIP_TYPE, VR::CS, relation.words());
    text(&mut data, tags::VALUE_TYPE, VR::CS, kind);
    if let Some(name) = name {
        items(&mut data, tags::CONCEPT_NAME_CODE_SEQUENCE, vec![name.item()]);
    }
    data
}

pub fn words(relation: Relation, name: &Code, value: &str) -> Data {
    let mut data = item(relation, "TEXT", Some(name));
    text(&mut data, tags::TEXT_VALUE, VR::UT, value);
    data
}

pub fn coded(relation: Relation, name: &Code, value: &Code) -> Data {
    let mut data = item(relation, "CODE", Some(name));
    items(&mut data, tags::CONCEPT_CODE_SEQUENCE, vec![value.item()]);
    data
}

pub fn named(relation: Relation, name: &Code, uid: &str) -> Data {
    let mut data = item(relation, "UIDREF", Some(name));
    text(&mut data, tags::UID, VR::UI, uid);
    data
}

/// A number as it is to be written, such as `0.9312`.
pub fn number(name: &Code, value: &str, unit: &Code) -> Data {
    let mut data = item(Relation::Contains, "NUM", Some(name));
    let mut measured = Data::new_empty();
    text(&mut measured, tags::NUMERIC_VALUE, VR::DS, value);
    items(&mut measured, tags::MEASUREMENT_UNITS_CODE_SEQUENCE, vec![unit.item()]);
    items(&mut data, tags::MEASURED_VALUE_SEQUENCE, vec![measured]);
    data
}

/// A picture: its class and its name, and one frame of it, which counts from 1.
pub fn image(name: Option<&Code>, class: &str, uid: &str, frame: Option<usize>) -> Data {
    let mut data = item(Relation::Contains, "IMAGE", name);
    let mut picture = reference(class, uid);
    if let Some(frame) = frame {
        text(&mut picture, tags::REFERENCED_FRAME_NUMBER, VR::IS, &frame.to_string());
    }
    items(&mut data, tags::REFERENCED_SOP_SEQUENCE, vec![picture]);
    data
}

pub fn reference(class: &str, uid: &str) -> Data {
    let mut data = Data::new_empty();
    text(&mut data, tags::REFERENCED_SOP_CLASS_UID, VR::UI, class);
    text(&mut data, tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, uid);
    data
}

pub fn container(name: &Code, template: &str, content: Vec<Data>) -> Data {
    let mut data = item(Relation::Contains, "CONTAINER", Some(name));
    fill(&mut data, template, content);
    data
}

/// Makes a container of an item, after a template of DICOM's own.
pub fn fill(data: &mut Data, template: &str, content: Vec<Data>) {
    text(data, tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE");
    let mut after = Data::new_empty();
    text(&mut after, tags::MAPPING_RESOURCE, VR::CS, "DCMR");
    text(&mut after, tags::TEMPLATE_IDENTIFIER, VR::CS, template);
    items(data, tags::CONTENT_TEMPLATE_SEQUENCE, vec![after]);
    items(data, tags::CONTENT_SEQUENCE, content);
}
