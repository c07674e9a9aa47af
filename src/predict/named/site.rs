//! What a place in a statement remembers between rows: versions, forms, room for a row.

use super::form::{Form, Numbers};
use super::output::{Answer, Output};
use crate::pg::call::Call;
use crate::pg::error::{Failure, Result};
use crate::pg::moment::Moment;
use crate::pg::table::Cell;
use crate::registry::binding::{Values, lend};
use crate::registry::serving::{Serving, serving_at};
use pglearn_core::value::Value;
use std::rc::Rc;

/// Models a place remembers at once, where its first argument is no constant.
const PLANS: usize = 16;

/// How rows are read and scored by one model.
struct Plan {
    /// The model reference.
    reference: Vec<u8>,
    /// Whether this place knows no other.
    constant: bool,
    /// When it was resolved.
    moment: Moment,
    serving: Rc<Serving>,
    form: Form,
    /// How margins become the answer; `None` where the caller wants the row.
    answer: Option<Answer>,
    numbers: Vec<f64>,
    margins: Vec<f64>,
    /// Without values between rows.
    values: Vec<Value<'static>>,
}

/// What a place remembers.
#[derive(Default)]
struct Site {
    plans: Vec<Plan>,
    /// The one used last.
    last: usize,
}

/// The answer of the model that the first argument names for the row behind it.
///
/// # Errors
/// Those of the model reference, of the form of the row, and of the row itself.
pub fn predict(call: &Call, output: Output) -> Result<Option<Cell>> {
    call.remembering(
        || Ok(Site::default()),
        |site| site.plan(call, Some(output))?.answer(call, Answer::of),
    )
}

/// [`predict`] of what is a number.
///
/// # Errors
/// As there.
pub fn predict_number(call: &Call, output: Output) -> Result<Option<f64>> {
    call.remembering(
        || Ok(Site::default()),
        |site| site.plan(call, Some(output))?.answer(call, Answer::number),
    )
}

/// Runs `work` with the version that the first argument names and the row behind it, one value a
/// slot; `None` where the row is NULL. For functions with the arguments of `predict`.
///
/// # Errors
/// Those of `predict` and of `work`.
pub fn with_row<T>(
    call: &Call,
    work: impl FnOnce(&Serving, &[Value<'_>]) -> Result<T>,
) -> Result<Option<T>> {
    call.remembering(
        || Ok(Site::default()),
        |site| site.plan(call, None)?.with_values(call, work),
    )
}

impl Site {
    /// The plan for the call at hand.
    #[inline]
    fn plan(&mut self, call: &Call, output: Option<Output>) -> Result<&mut Plan> {
        if call.is_null(0) {
            return Err(null_model());
        }
        let moment = Moment::now()?;
        let current = |plan: &Plan| {
            plan.moment == moment && (plan.constant || plan.reference == call.bytes(0))
        };
        if !self.plans.get(self.last).is_some_and(current) {
            self.last = self.settle(call, output, moment)?;
        }
        self.plans
            .get_mut(self.last)
            .ok_or_else(|| Failure::internal("a plan was lost"))
    }

    /// Resolves the reference anew, and plans anew where another version answers.
    #[cold]
    fn settle(&mut self, call: &Call, output: Option<Output>, moment: Moment) -> Result<usize> {
        let reference = call.bytes(0);
        let known = self
            .plans
            .iter()
            .position(|plan| plan.reference == reference);
        let serving = match serving_at(call.str(0), moment) {
            Ok(serving) => serving,
            Err(failure) => {
                // What it answered before must not be kept alive by one who may not use it.
                known.map(|at| self.plans.swap_remove(at));
                return Err(failure);
            }
        };
        if let Some(at) = known {
            if Rc::ptr_eq(&self.plans[at].serving, &serving) {
                self.plans[at].moment = moment;
                return Ok(at);
            }
            self.plans.swap_remove(at);
        }
        let plan = Plan::new(call, output, moment, serving)?;
        if self.plans.len() >= PLANS {
            self.plans.swap_remove(0);
        }
        self.plans.push(plan);
        Ok(self.plans.len() - 1)
    }
}

impl Plan {
    fn new(
        call: &Call,
        output: Option<Output>,
        moment: Moment,
        serving: Rc<Serving>,
    ) -> Result<Self> {
        let answer = output
            .map(|output| Answer::new(output, call, &serving))
            .transpose()?;
        Ok(Self {
            reference: call.bytes(0).to_vec(),
            constant: call.is_constant(0),
            moment,
            form: Form::new(call, &serving)?,
            answer,
            numbers: vec![f64::NAN; serving.scorer.slots()],
            margins: vec![0.0; serving.scorer.outputs()],
            values: Vec::new(),
            serving,
        })
    }

    /// What `of` makes of the margins of the row; `None` where it is NULL.
    #[inline]
    fn answer<T>(
        &mut self,
        call: &Call,
        of: impl FnOnce(&Answer, &[f64], &Serving) -> Result<T>,
    ) -> Result<Option<T>> {
        let scored = if self.serving.scorer.plain() {
            self.score_numbers(call)?
        } else {
            self.score_values(call)?
        };
        match &self.answer {
            Some(answer) if scored => of(answer, &self.margins, &self.serving).map(Some),
            _ => Ok(None),
        }
    }

    /// The margin of a row of numbers; `false` where it is NULL.
    #[inline]
    fn score_numbers(&mut self, call: &Call) -> Result<bool> {
        let (serving, scorer) = (&self.serving, &self.serving.scorer);
        let margin = match &self.form {
            Form::Scalars(scalars) => scalars.numbers(call).map(|x| scorer.margin_of_each(x)),
            Form::Array(array) => {
                let doubles = array.doubles(call, serving)?;
                doubles.map(|bytes| scorer.margin_of_bytes(bytes))
            }
            _ => None,
        };
        let margin = match margin {
            Some(margin) => margin,
            None => {
                let mut row = Numbers(&mut self.numbers);
                if !self.form.read(call, serving, &mut row)? {
                    return Ok(false);
                }
                scorer.margin_of_numbers(&self.numbers)
            }
        };
        match margin.map_err(|error| Failure::from_core(error, &|_| String::new()))? {
            Some(margin) => {
                self.margins[0] = margin;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// The margins of a row; `false` where one is NULL.
    fn score_values(&mut self, call: &Call) -> Result<bool> {
        let mut margins = std::mem::take(&mut self.margins);
        let scored = self.with_values(call, |serving, row| {
            let scored = serving.scorer.margins(row, &mut margins);
            scored.map_err(|error| Failure::from_core(error, &|_| String::new()))
        });
        self.margins = margins;
        Ok(scored? == Some(true))
    }

    fn with_values<T>(
        &mut self,
        call: &Call,
        work: impl FnOnce(&Serving, &[Value<'_>]) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut values = lend(std::mem::take(&mut self.values));
        values.resize(self.serving.scorer.slots(), Value::Missing);
        let read = self
            .form
            .read(call, &self.serving, &mut Values(&mut values))?;
        let answer = read.then(|| work(&self.serving, &values)).transpose();
        self.values = lend(values);
        answer
    }
}

#[cold]
fn null_model() -> Failure {
    Failure::new(
        pgrx::PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
        "the model must not be NULL",
    )
    .hint("Write its name, 'model', 'model@alias' or 'model@3'.")
}
