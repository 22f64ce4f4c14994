//! A network's ends: what a bundle declares of them, and how they are read.

use tract_onnx::prelude::{DatumType, TValue, TractResult, TypedFact, TypedModel};

use super::{Answer, Plane, PlaneOutput, Signature};

/// The ends of a network that has what its bundle declares.
#[derive(Debug, Clone)]
pub struct Ends {
    /// Of the input.
    pub input: [usize; 4],
    map: Option<Place>,
    mask: Option<Place>,
}

/// A plane among the outputs.
#[derive(Debug, Clone, Copy)]
struct Place {
    output: usize,
    width: usize,
    height: usize,
}

impl Ends {
    /// Before anything runs. `models` run one after the other; `names` are those of the outputs.
    pub fn check(
        models: &[TypedModel],
        names: &[String],
        want: &Signature,
    ) -> Result<Ends, String> {
        let shapes = || "has an input or an output without a fixed shape".to_owned();
        let (Some(first), Some(last)) = (models.first(), models.last()) else {
            return Err("has no layers".into());
        };
        let [entry] = first.inputs[..] else { return Err("has not exactly one input".into()) };
        let fact = first.outlet_fact(entry).map_err(|_| shapes())?;
        let (kind, shape) = declared(fact).ok_or_else(shapes)?;
        let input = [1, 1, want.height, want.width];
        if kind.unquantized() != DatumType::U8 || shape != input {
            return Err(format!("takes {kind:?} {shape:?}, and the bundle declares u8 {input:?}"));
        }
        let outputs = last.outputs.iter().map(|&outlet| {
            let fact = last.outlet_fact(outlet).map_err(|_| shapes())?;
            declared(fact).ok_or_else(shapes)
        });
        let outputs: Vec<_> = outputs.collect::<Result<_, _>>()?;
        let scores = [1, want.scores];
        match outputs.first() {
            Some((DatumType::F32, shape)) if *shape == scores => {}
            Some((kind, shape)) => {
                let found = format!("{kind:?} {shape:?}");
                return Err(format!(
                    "gives {found} as scores, and the bundle declares f32 {scores:?}"
                ));
            }
            None => return Err("has no output".into()),
        }
        let place = |key: &str, plane: &Option<PlaneOutput>| -> Result<Option<Place>, String> {
            let Some(PlaneOutput { name, most }) = plane else { return Ok(None) };
            let declares = format!("the bundle's `{key}.output` is `{name}`");
            let mut planes = names.iter().zip(&outputs).enumerate().skip(1);
            let Some((output, (_, found))) = planes.find(|(_, (n, _))| *n == name) else {
                let names: Vec<_> = names.iter().skip(1).map(|name| format!("`{name}`")).collect();
                let names = if names.is_empty() { "none".into() } else { names.join(", ") };
                return Err(format!("has no such output: {declares}, allowed: {names}"));
            };
            match found {
                (DatumType::F32, shape) => match shape[..] {
                    [1, 1, height, width] if (1..=*most).contains(&height.max(width)) => {
                        Ok(Some(Place { output, width, height }))
                    }
                    _ => Err(format!(
                        "gives {shape:?}, and {declares}, which takes 1 × 1 × rows × columns, \
                         at most {most} each"
                    )),
                },
                (kind, _) => Err(format!("gives {kind:?}, and {declares}, which takes f32")),
            }
        };
        Ok(Ends { input, map: place("map", &want.map)?, mask: place("mask", &want.mask)? })
    }

    /// Reads what the network gave; false if there is anything that is not a number.
    pub fn fill(&self, outputs: &[TValue], answer: &mut Answer) -> TractResult<bool> {
        let scores = read(&outputs[0], &mut answer.scores)?;
        let plane = |place: Option<Place>, plane: &mut Plane| -> TractResult<bool> {
            let Some(Place { output, width, height }) = place else { return Ok(true) };
            (plane.width, plane.height) = (width, height);
            read(&outputs[output], &mut plane.values)
        };
        Ok(scores && plane(self.map, &mut answer.map)? && plane(self.mask, &mut answer.mask)?)
    }
}

fn declared(fact: &TypedFact) -> Option<(DatumType, Vec<usize>)> {
    Some((fact.datum_type, fact.shape.as_concrete()?.to_vec()))
}

fn read(from: &TValue, into: &mut Vec<f32>) -> TractResult<bool> {
    let view = from.to_plain_array_view::<f32>()?;
    into.clear();
    into.extend(view.iter());
    Ok(into.iter().all(|value| value.is_finite()))
}
