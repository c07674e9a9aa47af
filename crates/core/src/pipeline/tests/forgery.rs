//! Stored forms: round trip, damage, forgery.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::arbitrary::cases;
use crate::encoding::{Kind, open, seal};
use crate::pipeline::{Pipeline, Predictor, Scorer};
use crate::{Error, Result};

/// Equal to the last bit, NaN included.
fn same(a: &Pipeline, b: &Pipeline) -> bool {
    a == b || format!("{a:?}") == format!("{b:?}")
}

proptest! {
    #[test]
    fn decoding_gives_back_the_pipeline(case in cases(0)) {
        let (pipeline, _) = case;
        let bytes = pipeline.encode().unwrap();
        let decoded = Pipeline::decode(&bytes).unwrap();
        prop_assert!(same(&decoded, &pipeline));
        prop_assert_eq!(decoded.encode().unwrap(), bytes);
    }

    #[test]
    fn any_payload_is_refused_or_read(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        harmless(&seal(Kind::Pipeline, &payload).unwrap());
    }
}

/// Refused as corrupt, or a pipeline that is sound in itself.
fn harmless(bytes: &[u8]) -> bool {
    let corrupt = |error: &Error| matches!(error, Error::Corrupt { .. });
    match Pipeline::decode(bytes) {
        Err(error) => {
            assert!(corrupt(&error), "{error}");
            false
        }
        Ok(pipeline) => {
            assert!(footprint(&pipeline) <= 100 * bytes.len() + 1000);
            assert!(pipeline.encode().is_ok());
            let scored: Result<_> = Scorer::new(&pipeline);
            assert!(
                scored.is_ok_and(|scorer| scorer.slots() == pipeline.slots())
                    || Scorer::new(&pipeline).is_err_and(|error| corrupt(&error))
            );
            true
        }
    }
}

/// The bytes of the lists of a pipeline and of the names of its slots.
fn footprint(pipeline: &Pipeline) -> usize {
    let Predictor::Linear(linear) = &pipeline.predictor;
    let doubles = pipeline.means.len() + linear.coefficients.len() + linear.std_err.len();
    let names: usize = pipeline.encoders.iter().map(|e| e.slot.len()).sum();
    size_of_val(&pipeline.inputs[..]) + size_of_val(&pipeline.encoders[..]) + names + 8 * doubles
}

/// Changes behind a recomputed checksum: 200,000 of bytes, of lengths, and cuts.
#[test]
fn forgery_does_no_harm() {
    let mut runner = TestRunner::deterministic();
    let (mut read, mut slowest) = (0, Duration::ZERO);
    for _ in 0..400 {
        let (pipeline, _) = cases(0).new_tree(&mut runner).unwrap().current();
        let whole = pipeline.encode().unwrap();
        let payload = open(&whole, Kind::Pipeline).unwrap();
        for _ in 0..500 {
            let forged = forge(payload, runner.rng());
            let sealed = seal(Kind::Pipeline, &forged).unwrap();
            let start = Instant::now();
            read += u32::from(harmless(&sealed));
            slowest = slowest.max(start.elapsed());
        }
    }
    assert!(
        read > 1000,
        "only {read} forgeries were read: too few reach the checks"
    );
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

fn forge(payload: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut forged = payload.to_vec();
    let at = rng.next_u32() as usize % forged.len();
    match rng.next_u32() % 5 {
        0 => forged[at] ^= 1 << (rng.next_u32() % 8),
        1 => forged[at] = rng.next_u32() as u8,
        2 => forged.truncate(at),
        3 => {
            let extreme = [0, 1, 0x7fff_ffff, u32::MAX, 1 << 17, 1 << 24];
            let length: u32 = extreme[rng.next_u32() as usize % extreme.len()];
            let end = forged.len().min(at + 4);
            forged[at..end].copy_from_slice(&length.to_le_bytes()[..end - at]);
        }
        _ => {
            let extreme = [
                f64::NAN,
                f64::INFINITY,
                -0.0,
                f64::MAX,
                f64::from_bits(1),
                -1.0,
            ];
            let number = extreme[rng.next_u32() as usize % extreme.len()];
            let end = forged.len().min(at + 8);
            forged[at..end].copy_from_slice(&number.to_le_bytes()[..end - at]);
        }
    }
    forged
}

/// Any change of one byte with the checksum left, and any cut, is noticed.
#[test]
fn damage_is_noticed() {
    let whole = super::speed::categories(2, 3).encode().unwrap();
    let corrupt = |bytes: &[u8]| matches!(Pipeline::decode(bytes), Err(Error::Corrupt { .. }));
    for at in 0..whole.len() {
        assert!(corrupt(&whole[..at]));
        for change in 1..=255 {
            let mut damaged = whole.clone();
            damaged[at] ^= change;
            assert!(corrupt(&damaged), "{at} {change}");
        }
    }
}

/// A few bytes that claim much: an array of four thousand million elements, classes by the
/// thousand over slots that have no column.
#[test]
fn few_bytes_cannot_claim_much() {
    let mut pipeline = super::speed::numbers(1);
    pipeline.inputs[0].length = Some(u32::MAX);
    assert_eq!(
        pipeline.encode(),
        Err(Error::Corrupt {
            what: "name of a slot"
        })
    );

    let wide = super::speed::ignored(5_000, 3_000);
    let what = "more classes than columns are worth";
    assert_eq!(wide.encode(), Err(Error::Corrupt { what }));
    assert!(super::speed::ignored(1_600, 3).encode().is_ok());
}

/// The stored form is a promise: this is layout 1, byte by byte.
#[test]
fn the_layout_is_fixed() {
    let bytes = super::speed::numbers(1).encode().unwrap();
    let one = [0, 0, 0, 0, 0, 0, 0xf0, 0x3f];
    let two = [0, 0, 0, 0, 0, 0, 0, 0x40];
    let expected = [
        b"\x01\x05\0\0\0ridge\x01\0\0\0y\x10\0\0\0double precision\0".as_slice(),
        b"\x01\0\0\0\x02\0\0\0c0\x07\0\0\0integer\x01\0\0\0\0",
        b"\x01\0\0\0\0\x01",
        &[0; 8],
        &one,
        &two,
        b"\x01\0\0\0",
        &[0; 8],
        b"\x01\x01",
        b"\x01\0\0\0",
        &one,
        b"\x01\0\0\0",
        &one,
        b"\0\0\0\0",
    ];
    assert_eq!(open(&bytes, Kind::Pipeline).unwrap(), expected.concat());
}
