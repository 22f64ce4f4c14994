//! Running a bundle's network. tract lives in this module and nowhere else.
//!
//! The network takes `1 × 1 × height × width` bytes of grey pixels (it holds its own
//! normalization) and returns one row of scores: one log-odds of the referring class, or one
//! logit a class.

use std::sync::Arc;

use tract_onnx::prelude::{
    DatumType, Framework, InferenceModelExt, IntoTValue, Tensor, TypedModel, TypedSimplePlan,
    TypedSimpleState, tvec,
};

use crate::error::{Error, ErrorKind};

/// Scores one network input.
pub trait Classifier: Send {
    /// Writes the scores for `tensor` (`height * width` bytes) into `scores`.
    fn classify(&mut self, tensor: &[u8], scores: &mut [f32]) -> Result<(), Error>;
}

/// Shape of a network at its two ends, as the bundle declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    pub width: usize,
    pub height: usize,
    pub scores: usize,
}

/// A network loaded and optimized; cheap to clone, ready for any thread.
#[derive(Clone)]
pub struct Network {
    plan: Arc<TypedSimplePlan>,
    signature: Signature,
    name: String,
}

impl Network {
    /// Reads ONNX `bytes`; `name` stands in error messages.
    pub fn load(name: &str, bytes: &[u8], signature: Signature) -> Result<Network, Error> {
        let model = tract_onnx::onnx()
            .model_for_read(&mut &bytes[..])
            .and_then(|model| model.into_optimized())
            .map_err(|e| wrong(name, format!("cannot be loaded ({})", reason(&e))))?;
        check(name, &model, signature)?;
        let plan = TypedSimplePlan::new(model)
            .map_err(|e| wrong(name, format!("cannot be planned ({})", reason(&e))))?;
        Ok(Network { plan, signature, name: name.to_owned() })
    }

    /// A state of its own for one thread, kept from frame to frame.
    pub fn classifier(&self) -> Result<TractClassifier, Error> {
        let state = self
            .plan
            .spawn()
            .map_err(|e| wrong(&self.name, format!("cannot be started ({})", reason(&e))))?;
        Ok(TractClassifier { state, signature: self.signature, name: self.name.clone() })
    }
}

/// What is asked of both ends, before anything runs.
fn check(name: &str, model: &TypedModel, want: Signature) -> Result<(), Error> {
    let ends = || {
        let input = model.input_outlets().ok()?;
        let output = model.output_outlets().ok()?;
        let ([input], [output]) = (input, output) else { return None };
        let (input, output) = (model.outlet_fact(*input).ok()?, model.outlet_fact(*output).ok()?);
        let shape =
            |fact: &tract_onnx::prelude::TypedFact| fact.shape.as_concrete().map(<[_]>::to_vec);
        Some((input.datum_type, shape(input)?, output.datum_type, shape(output)?))
    };
    let Some((input_type, input, output_type, output)) = ends() else {
        return Err(wrong(name, "has not exactly one input and one output of fixed shape".into()));
    };
    let wanted = [1, 1, want.height, want.width];
    if input_type.unquantized() != DatumType::U8 || input != wanted {
        let found = format!("{input_type:?} {input:?}");
        return Err(wrong(name, format!("takes {found}, and the bundle declares u8 {wanted:?}")));
    }
    if output_type != DatumType::F32 || output != [1, want.scores] {
        let found = format!("{output_type:?} {output:?}");
        let wanted = [1, want.scores];
        return Err(wrong(name, format!("gives {found}, and the bundle declares f32 {wanted:?}")));
    }
    Ok(())
}

/// One running network.
pub struct TractClassifier {
    state: TypedSimpleState,
    signature: Signature,
    name: String,
}

impl Classifier for TractClassifier {
    fn classify(&mut self, tensor: &[u8], scores: &mut [f32]) -> Result<(), Error> {
        let Signature { width, height, scores: count } = self.signature;
        let mut run = |state: &mut TypedSimpleState| -> tract_onnx::prelude::TractResult<()> {
            let input = Tensor::from_shape(&[1, 1, height, width], tensor)?;
            let output = state.run(tvec!(input.into_tvalue()))?;
            let view = output[0].to_plain_array_view::<f32>()?;
            for (score, &value) in scores[..count].iter_mut().zip(view.iter()) {
                *score = value;
            }
            Ok(())
        };
        run(&mut self.state)
            .map_err(|e| wrong(&self.name, format!("failed on a frame ({})", reason(&e))))?;
        if scores[..count].iter().all(|s| s.is_finite()) {
            return Ok(());
        }
        Err(wrong(&self.name, "gave a score that is not a number".into()))
    }
}

fn wrong(name: &str, problem: String) -> Error {
    let remedy = "use a bundle made for this version, or make it again with models/train";
    Error::new(ErrorKind::Model, name, problem, remedy)
}

/// The innermost cause of tract's error chain, which names the operator.
fn reason(error: &tract_onnx::prelude::TractError) -> String {
    let text = error.root_cause().to_string();
    text.lines().next().unwrap_or_default().chars().take(160).collect()
}
