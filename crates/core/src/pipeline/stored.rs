//! The stored form of a pipeline.
//!
//! Inside the envelope (`crate::encoding`), kind 1; integers and doubles little-endian, strings and
//! lists after their `u32` length, options and flags as a byte 0 or 1:
//!
//! | field | content |
//! |---|---|
//! | layout | `u8`, 1 |
//! | algorithm | string |
//! | target | name and SQL type (strings); label kind `u8`, 0 for a number, else classes (strings) |
//! | inputs | list of: name, SQL type (strings), kind `u8`, length `u32` (0: no array) |
//! | encoders | list, one a slot in the order of the inputs, of: flags `u8` (1 indicator, 2 refuse missing), encoding |
//! | means | doubles |
//! | predictor | `u8` 1 (linear); link `u8`, intercepts, coefficients, standard errors (doubles) |
//!
//! An encoding is a byte and: 1 number: center, scale, impute; 2 one-hot: categories (strings),
//! reference (option of `u32`), rare (flag), unknown `u8`, impute `u32`; 3 time: parts (list of part
//! `u8`, center, scale), impute `i64`; 4 ignored. Names of slots follow from the inputs and are not stored.

use super::check::MAX_SLOTS;
use super::encoder::{Encoder, Encoding, TimeColumn, TimePart, Unknown};
use super::{Input, InputKind, LabelKind, Linear, Link, Pipeline, Predictor, Target, TargetKind};
use crate::encoding::{Kind, Reader, Writer, open, seal};
use crate::{Error, Result};

const LAYOUT: u8 = 1;
/// Bytes at the most, a limit on what a forgery can cost.
const MAX_BYTES: usize = 1 << 28;
const INDICATOR: u8 = 1;
const REFUSE_MISSING: u8 = 2;

impl Pipeline {
    /// The stored form.
    ///
    /// # Errors
    /// [`Error::Corrupt`] where the parts do not fit together, [`Error::OutOfMemory`].
    pub fn encode(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut writer = Writer::default();
        writer.u8(LAYOUT)?;
        writer.string(&self.algorithm)?;
        write_target(&mut writer, &self.target)?;
        writer.length(self.inputs.len())?;
        for input in &self.inputs {
            writer.string(&input.name)?;
            writer.string(&input.sql_type)?;
            writer.u8(input.kind as u8)?;
            writer.u32(input.length.unwrap_or(0))?;
        }
        writer.length(self.encoders.len())?;
        for encoder in &self.encoders {
            write_encoder(&mut writer, encoder)?;
        }
        writer.f64s(&self.means)?;
        let Predictor::Linear(linear) = &self.predictor;
        writer.u8(1)?;
        writer.u8(linear.link as u8)?;
        writer.f64s(&linear.intercepts)?;
        writer.f64s(&linear.coefficients)?;
        writer.f64s(&linear.std_err)?;
        let sealed = seal(Kind::Pipeline, &writer.finish())?;
        if sealed.len() > MAX_BYTES {
            return Err(Error::MemoryLimit {
                needed: sealed.len() as u64,
                limit: MAX_BYTES as u64,
            });
        }
        Ok(sealed)
    }

    /// Reads a stored form, trusting nothing in it: what comes back satisfies every condition that
    /// scoring relies on. Never allocates more than a small multiple of `bytes`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] names the first thing that does not fit; [`Error::OutOfMemory`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_BYTES {
            return Err(corrupt("size of the model"));
        }
        let mut reader = Reader::new(open(bytes, Kind::Pipeline)?);
        if reader.u8()? != LAYOUT {
            return Err(corrupt("layout of the model"));
        }
        let algorithm = reader.string()?;
        let target = read_target(&mut reader)?;
        let inputs = reader.list(13, read_input)?;
        let encoders = read_encoders(&mut reader, &inputs)?;
        let means = reader.f64s()?;
        let predictor = read_predictor(&mut reader)?;
        reader.end()?;
        let pipeline = Self {
            algorithm,
            target,
            inputs,
            encoders,
            means,
            predictor,
        };
        pipeline.check()?;
        Ok(pipeline)
    }
}

fn corrupt(what: &'static str) -> Error {
    Error::Corrupt { what }
}

fn write_target(writer: &mut Writer, target: &Target) -> Result<()> {
    writer.string(&target.name)?;
    writer.string(&target.sql_type)?;
    match &target.kind {
        TargetKind::Number => writer.u8(0),
        TargetKind::Classes { label, classes } => {
            writer.u8(*label as u8)?;
            writer.strings(classes)
        }
    }
}

fn read_target(reader: &mut Reader<'_>) -> Result<Target> {
    let (name, sql_type) = (reader.string()?, reader.string()?);
    let label = match reader.u8()? {
        0 => None,
        1 => Some(LabelKind::Boolean),
        2 => Some(LabelKind::Number),
        3 => Some(LabelKind::Text),
        _ => return Err(corrupt("kind of the labels")),
    };
    let kind = match label {
        None => TargetKind::Number,
        Some(label) => TargetKind::Classes {
            label,
            classes: reader.strings()?,
        },
    };
    Ok(Target {
        name,
        sql_type,
        kind,
    })
}

fn read_input(reader: &mut Reader<'_>) -> Result<Input> {
    Ok(Input {
        name: reader.string()?,
        sql_type: reader.string()?,
        kind: match reader.u8()? {
            1 => InputKind::Number,
            2 => InputKind::Boolean,
            3 => InputKind::Text,
            4 => InputKind::Date,
            5 => InputKind::Timestamp,
            _ => return Err(corrupt("kind of an input")),
        },
        length: Some(reader.u32()?).filter(|length| *length > 0),
    })
}

fn write_encoder(writer: &mut Writer, encoder: &Encoder) -> Result<()> {
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    writer.u8(flag(encoder.indicator, INDICATOR) | flag(encoder.refuse_missing, REFUSE_MISSING))?;
    match &encoder.encoding {
        Encoding::Number {
            center,
            scale,
            impute,
        } => {
            writer.u8(1)?;
            [center, scale, impute]
                .iter()
                .try_for_each(|number| writer.f64(**number))
        }
        Encoding::OneHot {
            categories,
            reference,
            rare,
            unknown,
            impute,
        } => {
            writer.u8(2)?;
            writer.strings(categories)?;
            writer.u8(u8::from(reference.is_some()))?;
            reference.map_or(Ok(()), |reference| writer.u32(reference))?;
            writer.u8(u8::from(*rare))?;
            writer.u8(*unknown as u8)?;
            writer.u32(*impute)
        }
        Encoding::Time { parts, impute } => {
            writer.u8(3)?;
            writer.length(parts.len())?;
            for column in parts {
                writer.u8(column.part as u8)?;
                writer.f64(column.center)?;
                writer.f64(column.scale)?;
            }
            writer.i64(*impute)
        }
        Encoding::Ignored => writer.u8(4),
    }
}

/// As many as the inputs have slots, named after them.
fn read_encoders(reader: &mut Reader<'_>, inputs: &[Input]) -> Result<Vec<Encoder>> {
    let mut slots = inputs
        .iter()
        .flat_map(|input| (0..input.slots()).map(|slot| input.slot_name(slot)))
        .take(MAX_SLOTS + 1);
    let encoders = reader.list(ENCODER, |reader| {
        let slot = slots.next();
        read_encoder(reader, slot.ok_or(corrupt("number of encoders"))?)
    })?;
    match slots.next() {
        None => Ok(encoders),
        Some(_) => Err(corrupt("number of encoders")),
    }
}

/// Bytes of the shortest encoder: flags, an ignored slot.
const ENCODER: usize = 2;

fn read_encoder(reader: &mut Reader<'_>, slot: String) -> Result<Encoder> {
    let flags = reader.u8()?;
    if flags & !(INDICATOR | REFUSE_MISSING) != 0 {
        return Err(corrupt("flags of an encoder"));
    }
    Ok(Encoder {
        slot,
        encoding: read_encoding(reader)?,
        indicator: flags & INDICATOR != 0,
        refuse_missing: flags & REFUSE_MISSING != 0,
    })
}

fn read_encoding(reader: &mut Reader<'_>) -> Result<Encoding> {
    match reader.u8()? {
        1 => Ok(Encoding::Number {
            center: reader.f64()?,
            scale: reader.f64()?,
            impute: reader.f64()?,
        }),
        2 => Ok(Encoding::OneHot {
            categories: reader.strings()?,
            reference: match reader.flag()? {
                true => Some(reader.u32()?),
                false => None,
            },
            rare: reader.flag()?,
            unknown: match reader.u8()? {
                1 => Unknown::Rare,
                2 => Unknown::Ignore,
                3 => Unknown::Refuse,
                _ => return Err(corrupt("rule of unknown categories")),
            },
            impute: reader.u32()?,
        }),
        3 => Ok(Encoding::Time {
            parts: reader.list(17, read_part)?,
            impute: reader.i64()?,
        }),
        4 => Ok(Encoding::Ignored),
        _ => Err(corrupt("kind of an encoding")),
    }
}

fn read_part(reader: &mut Reader<'_>) -> Result<TimeColumn> {
    Ok(TimeColumn {
        part: match reader.u8()? {
            1 => TimePart::Year,
            2 => TimePart::Month,
            3 => TimePart::Day,
            4 => TimePart::DayOfWeek,
            5 => TimePart::Hour,
            _ => return Err(corrupt("part of a time")),
        },
        center: reader.f64()?,
        scale: reader.f64()?,
    })
}

fn read_predictor(reader: &mut Reader<'_>) -> Result<Predictor> {
    if reader.u8()? != 1 {
        return Err(corrupt("kind of predictor"));
    }
    let link = match reader.u8()? {
        1 => Link::Identity,
        2 => Link::Logistic,
        3 => Link::Softmax,
        _ => return Err(corrupt("link")),
    };
    Ok(Predictor::Linear(Linear {
        link,
        intercepts: reader.f64s()?,
        coefficients: reader.f64s()?,
        std_err: reader.f64s()?,
    }))
}
