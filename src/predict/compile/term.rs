//! What one slot adds to the margin, as SQL.
//!
//! PostgreSQL's arithmetic raises where a product of numbers that are not 0 is 0 (22003, underflow).
//! A term whose factors can be that small has a guard under which it counts as 0; one that is centred
//! cannot, since a difference of doubles that is not 0 is not smaller than their last place.

use super::operand::{Form, Operand, TINY_NUMERIC};
use pglearn_core::pipeline::{Encoder, Encoding, TimeColumn, TimePart, Unknown};
use pgrx::spi::quote_literal;

/// A slot.
pub struct Term<'a> {
    pub encoder: &'a Encoder,
    /// One a column of the encoder.
    pub weights: &'a [f64],
    pub operand: &'a Operand,
}

/// A double as a constant, to its last bit.
pub fn double(value: f64) -> String {
    format!("'{value:e}'::double precision")
}

/// A double or NULL.
fn optional(value: Option<f64>) -> String {
    value.map_or_else(|| "NULL::double precision".to_owned(), double)
}

/// An expression of type double precision that raises 22P02 with a message of ours: the text followed
/// by an expression over a parameter, so that nothing can evaluate it beforehand.
pub fn raise(message: &str, value: &str) -> String {
    format!(
        "({}::pg_catalog.text || ({value})::pg_catalog.text)::double precision",
        quote_literal(message)
    )
}

impl Term<'_> {
    /// The term; `None` where it is 0 for every value.
    pub fn sql(&self) -> Option<String> {
        match &self.encoder.encoding {
            Encoding::Number {
                center,
                scale,
                impute,
            } => {
                let weight = self.weights.first()? / scale;
                let missing = self.missing(weight * (impute - center));
                Some(self.number(weight, *center, missing))
            }
            Encoding::OneHot { .. } => Some(self.one_hot()),
            Encoding::Time { parts, impute } => Some(self.time(parts, *impute)),
            Encoding::Ignored => self.ignored(),
        }
    }

    /// What a missing value adds: nothing but NULL where the model refuses it, else what stands for
    /// it, and the indicator's weight.
    fn missing(&self, imputed: f64) -> Option<f64> {
        if self.encoder.refuse_missing {
            return None;
        }
        let indicator = match self.weights.last() {
            Some(weight) if self.encoder.indicator => *weight,
            _ => 0.0,
        };
        Some(imputed + indicator)
    }

    fn number(&self, weight: f64, center: f64, missing: Option<f64>) -> String {
        let x = &self.operand.sql;
        match &self.operand.form {
            Form::Boolean => {
                let [no, yes] = [0.0, 1.0].map(|value| double(weight * (value - center)));
                let missing = optional(missing);
                format!("CASE WHEN {x} THEN {yes} WHEN NOT {x} THEN {no} ELSE {missing} END")
            }
            Form::Numeric => {
                let product = self.product(weight, center, &self.as_double());
                let null = format!("{x} IS NULL OR {x} = 'NaN'::numeric");
                let (zero, missing) = (double(weight * (0.0 - center)), optional(missing));
                let infinite = self.infinite();
                format!(
                    "CASE WHEN pg_catalog.abs({x}) < '{TINY_NUMERIC:e}'::numeric THEN {zero} \
                     WHEN pg_catalog.abs({x}) < 'Infinity'::numeric THEN {product} \
                     WHEN {null} THEN {missing} ELSE {infinite} END"
                )
            }
            Form::Float4 | Form::Float8 => {
                let number = self.as_double();
                let product = self.product(weight, center, &number);
                let (missing, infinite) = (optional(missing), self.infinite());
                // NaN is greater than infinity.
                format!(
                    "CASE WHEN pg_catalog.abs({number}) < 'Infinity'::double precision THEN {product} \
                     WHEN {x} IS NULL OR {number} = 'NaN'::double precision THEN {missing} \
                     ELSE {infinite} END"
                )
            }
            _ => {
                let product = self.product(weight, center, &self.as_double());
                let missing = optional(missing);
                format!("CASE WHEN {x} IS NOT NULL THEN {product} ELSE {missing} END")
            }
        }
    }

    /// The operand as a double; a `numeric` must not be too small for one.
    fn as_double(&self) -> String {
        let x = &self.operand.sql;
        match self.operand.form {
            Form::Duration => format!("pg_catalog.date_part('epoch'::pg_catalog.text, {x})"),
            Form::Float8 => x.clone(),
            _ => format!("({x})::double precision"),
        }
    }

    /// `weight * (number - center)`, for a number that is not NULL.
    fn product(&self, weight: f64, center: f64, number: &str) -> String {
        let difference = match center {
            0.0 => number.to_owned(),
            _ => format!("({number} - {})", double(center)),
        };
        if weight == 0.0 {
            return double(0.0);
        }
        let product = format!("({} * {difference})", double(weight));
        let smallest = self.operand.form.smallest_difference(center);
        if weight.abs() >= 1.0 || weight.abs() * smallest >= f64::MIN_POSITIVE {
            return product;
        }
        // The least difference that gives a normal number.
        let least = (f64::MIN_POSITIVE / weight.abs()).min(f64::MAX);
        format!(
            "CASE WHEN pg_catalog.abs({difference}) >= {} THEN {product} ELSE {} END",
            double(least),
            double(0.0)
        )
    }

    fn infinite(&self) -> String {
        raise(
            &format!("column \"{}\" is infinite: ", self.encoder.slot),
            &self.operand.sql,
        )
    }

    fn one_hot(&self) -> String {
        let Encoding::OneHot {
            categories,
            rare,
            unknown,
            impute,
            ..
        } = &self.encoder.encoding
        else {
            return double(0.0);
        };
        let count = categories.len();
        let contribution = |category: usize| {
            let column = self.encoder.column(category);
            column
                .and_then(|column| self.weights.get(column))
                .copied()
                .unwrap_or(0.0)
        };
        let otherwise = match unknown {
            Unknown::Rare if *rare => Some(contribution(count)),
            Unknown::Refuse => None,
            _ => Some(0.0),
        };
        let imputed = match *impute as usize {
            known if known < count => Some(contribution(known)),
            _ => otherwise,
        };
        let missing = match imputed {
            Some(imputed) => optional(self.missing(imputed)),
            None if self.encoder.refuse_missing => optional(None),
            None => self.unseen(),
        };
        // Those that count like a category that training did not see need no branch.
        let known: Vec<(&str, f64)> = (0..count)
            .map(|category| (categories[category].as_str(), contribution(category)))
            .filter(|(_, contribution)| Some(*contribution) != otherwise)
            .collect();
        let otherwise = otherwise.map_or_else(|| self.unseen(), double);
        self.choice(&known, &missing, &otherwise)
    }

    fn choice(&self, known: &[(&str, f64)], missing: &str, otherwise: &str) -> String {
        let x = &self.operand.sql;
        let number = |text: &str| {
            text.parse::<f64>()
                .ok()
                .filter(|value| value.to_string() == text)
        };
        let literal = |text: &str| match &self.operand.form {
            Form::Text => Some(format!("{}::pg_catalog.text", quote_literal(text))),
            Form::Enum(labels, name) => {
                // A label that is gone has no values.
                let there = labels.iter().any(|label| label == text);
                there.then(|| format!("{}::{name}", quote_literal(text)))
            }
            Form::Boolean => match text {
                "0" => Some("false".to_owned()),
                "1" => Some("true".to_owned()),
                _ => None,
            },
            _ => number(text).filter(|value| value.is_finite()).map(double),
        };
        let branches: String = known
            .iter()
            .filter_map(|(text, value)| {
                Some(format!(" WHEN {} THEN {}", literal(text)?, double(*value)))
            })
            .collect();
        let subject = match &self.operand.form {
            Form::Text => format!("({x})::pg_catalog.text COLLATE pg_catalog.\"C\""),
            Form::Enum(_, name) => format!("({x})::{name}"),
            Form::Boolean => x.clone(),
            Form::Numeric => format!(
                "CASE WHEN pg_catalog.abs({x}) < '{TINY_NUMERIC:e}'::numeric THEN {} ELSE {} END",
                double(0.0),
                self.as_double()
            ),
            _ => self.as_double(),
        };
        let chosen = match branches.is_empty() {
            true => otherwise.to_owned(),
            false => format!("CASE {subject}{branches} ELSE {otherwise} END"),
        };
        let exceptions = match &self.operand.form {
            Form::Float4 | Form::Float8 | Form::Numeric => format!(
                " OR {x} = 'NaN' THEN {missing} WHEN {x} IN ('Infinity', '-Infinity') THEN {}",
                self.infinite()
            ),
            _ => format!(" THEN {missing}"),
        };
        format!("CASE WHEN {x} IS NULL{exceptions} ELSE {chosen} END")
    }

    /// Raises for a category that training did not see, or for NULL where that is none either.
    fn unseen(&self) -> String {
        let (x, slot) = (&self.operand.sql, &self.encoder.slot);
        match &self.operand.form {
            // Their output functions are not immutable; an empty text that only a row can tell.
            Form::Enum(..) | Form::Boolean => raise(
                &format!("column \"{slot}\" has a value that was not seen in training"),
                &format!("pg_catalog.repeat(''::pg_catalog.text, pg_catalog.num_nulls({x}))"),
            ),
            _ => raise(
                &format!("column \"{slot}\" has a value that was not seen in training: "),
                &format!("COALESCE(({x})::pg_catalog.text, 'NULL'::pg_catalog.text)"),
            ),
        }
    }

    fn time(&self, parts: &[TimeColumn], impute: i64) -> String {
        let x = &self.operand.sql;
        let timestamp = match self.operand.form {
            Form::Date => format!("({x})::timestamp without time zone"),
            Form::TimestampTz => {
                format!(
                    "pg_catalog.timezone('UTC'::pg_catalog.text, ({x})::timestamp with time zone)"
                )
            }
            _ => format!("({x})::timestamp without time zone"),
        };
        let mut imputed = 0.0;
        let mut terms = Vec::new();
        for (column, weight) in parts.iter().zip(self.weights) {
            let weight = weight / column.scale;
            imputed += weight * (column.part.of(impute) - column.center);
            let part = format!(
                "pg_catalog.date_part('{}'::pg_catalog.text, {timestamp})",
                field(column.part)
            );
            terms.push(self.part(weight, column.center, &part));
        }
        format!(
            "CASE WHEN pg_catalog.isfinite({x}) THEN ({}) ELSE {} END",
            terms.join(" + "),
            optional(self.missing(imputed))
        )
    }

    /// Parts are whole numbers.
    fn part(&self, weight: f64, center: f64, part: &str) -> String {
        let whole = Operand {
            sql: String::new(),
            form: Form::Integer,
        };
        let term = Term {
            encoder: self.encoder,
            weights: &[],
            operand: &whole,
        };
        term.product(weight, center, part)
    }

    fn ignored(&self) -> Option<String> {
        let missing = self.missing(0.0);
        if missing == Some(0.0) {
            return None;
        }
        let x = &self.operand.sql;
        let condition = match self.operand.form {
            Form::Float4 | Form::Float8 | Form::Numeric => format!("{x} IS NULL OR {x} = 'NaN'"),
            Form::Date | Form::Timestamp | Form::TimestampTz => {
                format!("{x} IS NULL OR NOT pg_catalog.isfinite({x})")
            }
            _ => format!("{x} IS NULL"),
        };
        let (missing, zero) = (optional(missing), double(0.0));
        Some(format!(
            "CASE WHEN {condition} THEN {missing} ELSE {zero} END"
        ))
    }
}

/// What `date_part` calls a part.
fn field(part: TimePart) -> &'static str {
    match part {
        TimePart::DayOfWeek => "isodow",
        other => other.name(),
    }
}
