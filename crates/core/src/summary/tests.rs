//! References: Python 3.11, `fractions.Fraction` of the doubles themselves (mean and variance exact),
//! rounded once; the root in 60 digits by `decimal`.

use super::*;

fn moments(numbers: &[f64]) -> Moments {
    let mut moments = Moments::default();
    moments.add(numbers);
    moments
}

fn near(found: Option<f64>, expected: f64, tolerance: f64) {
    let found = found.expect("a figure");
    let error = ((found - expected) / expected).abs();
    assert!(
        error <= tolerance,
        "{found:e} is not {expected:e}: {error:e}"
    );
}

/// The numbers in one go, one by one, and merged from pieces of several lengths.
fn every_way(numbers: &[f64]) -> Vec<Moments> {
    let mut ways = vec![moments(numbers)];
    for piece in [1, 3, 100, 256, 257] {
        let mut merged = Moments::default();
        for numbers in numbers.chunks(piece) {
            merged.merge(&moments(numbers));
        }
        ways.push(merged);
    }
    ways
}

fn check(numbers: &[f64], mean: f64, std: f64) {
    for way in every_way(numbers) {
        near(way.mean(), mean, 4e-16);
        near(way.std(), std, 2e-15);
        assert_eq!(way.count(), numbers.len() as u64);
    }
}

#[test]
fn offsets_do_not_hurt() {
    check(
        &[4.0, 7.0, 13.0, 16.0].map(|x| 1e9 + x),
        1_000_000_010.0,
        5.477225575051661,
    );
    let steps: Vec<_> = (0..1000).map(|i| 1e15 + f64::from(i) * 0.125).collect();
    check(&steps, 1000000000000062.5, 36.10242951196867);
    let noise: Vec<_> = (0..5000)
        .map(|i| 1e8 + f64::from(i * 7919 % 1000) / 1000.0)
        .collect();
    check(&noise, 100000000.4995, 0.28870386205362936);
}

#[test]
fn an_outlier_in_front_does_not_hurt() {
    let mut numbers = vec![1e15];
    numbers.extend((1..2000).map(|i| 0.1 * f64::from(i)));
    check(&numbers, 500000000099.95, 22360679774995.66);
}

#[test]
fn the_whole_range_of_doubles() {
    check(
        &[1e-200, 3e-200, 5e-200, 11e-200],
        5e-200,
        4.3204937989385734e-200,
    );
    let huge = [1e307, -1.7e308, 1.6e308, 2e306];
    for way in every_way(&huge) {
        // The mean is 500 times less than the numbers.
        near(way.mean(), 5.0000000000000094e305, 1e-13);
        near(way.std(), 1.3491108182799513e308, 2e-15);
    }
    let mut numbers: Vec<_> = (0..300).map(|i| 1e-180 * f64::from(i)).collect();
    numbers.extend((0..300).map(|i| 1e200 * f64::from(i)));
    check(&numbers, 7.475e201, 9.671147475307601e201);
    let ends = moments(&[f64::MAX, -f64::MAX]);
    assert_eq!((ends.mean(), ends.std()), (Some(0.0), None));
}

#[test]
fn none_one_and_equal_ones() {
    let none = moments(&[]);
    assert_eq!(
        (none.mean(), none.std(), none.min(), none.max()),
        (None, None, None, None)
    );
    let one = moments(&[-3.5]);
    assert_eq!((one.mean(), one.std()), (Some(-3.5), None));
    assert_eq!((one.min(), one.max()), (Some(-3.5), Some(-3.5)));
    for way in every_way(&[0.1; 1000]) {
        assert_eq!((way.mean(), way.std()), (Some(0.1), Some(0.0)));
    }
}

#[test]
fn what_is_not_finite_is_counted_apart() {
    let numbers = [
        1.0,
        f64::NAN,
        3.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        2.0,
    ];
    for way in every_way(&numbers) {
        assert_eq!((way.count(), way.nan(), way.infinite()), (4, 1, 2));
        assert_eq!(
            (way.mean(), way.min(), way.max()),
            (Some(1.5), Some(0.0), Some(3.0))
        );
        near(way.std(), (5.0_f64 / 3.0).sqrt(), 2e-16);
    }
}

#[test]
fn categories_that_are_many_or_long() {
    let mut categories = Categories::among(1);
    for i in 0..1500 {
        categories.add(&format!("{i:04}"));
    }
    for _ in 0..3 {
        categories.add("0007");
        categories.add("0005");
    }
    categories.add("0007");
    categories.add(&"ü".repeat(51));
    let (frequent, others) = categories.most_frequent(usize::MAX);
    let name = |at: usize| (frequent[at].name, frequent[at].count);
    assert_eq!(
        [name(0), name(1), name(2)],
        [("0007", 5), ("0005", 4), ("0000", 1)]
    );
    assert_eq!(frequent.len(), 100);
    let shown: u64 = frequent.iter().map(|category| category.count).sum();
    assert_eq!(shown + others, categories.count());
    assert_eq!(categories.count(), 1508);
    let (few, others) = categories.most_frequent(8);
    assert_eq!((few.len(), others), (2, 1508 - 9));
    let mut narrow = Categories::among(1600);
    (0..300).for_each(|i| narrow.add(&format!("{i}")));
    assert_eq!(narrow.most_frequent(usize::MAX).1, 200);
}

#[test]
fn summaries_merge() {
    let texts = ["a", "b", "a", "", "b", "a"];
    let whole = |texts: &[&str]| {
        let mut summary = Summary::new(Kind::Categories);
        texts.iter().for_each(|text| summary.add(Value::Text(text)));
        summary.add_null();
        summary
    };
    let mut merged = whole(&texts[..2]);
    merged.merge(whole(&texts[2..]));
    assert_eq!((merged.count(), merged.nulls()), (6, 2));
    let Figures::Categories(categories) = merged.figures() else {
        panic!("categories")
    };
    let (frequent, others) = categories.most_frequent(100);
    let pairs: Vec<_> = frequent.iter().map(|c| (c.name, c.count)).collect();
    assert_eq!((pairs, others), (vec![("a", 3), ("b", 2), ("", 1)], 0));

    let mut times = Summary::new(Kind::Times);
    let mut later = Summary::new(Kind::Times);
    times.add(Value::Time(5));
    later.add(Value::Time(-7));
    later.add(Value::Missing);
    times.merge(later);
    assert_eq!(times.count(), 2);
    assert!(matches!(times.figures(), Figures::Times(Some((-7, 5)), 1)));
}

/// PostgreSQL 15, `to_json(t)`, of timestamps and in time zone UTC.
#[test]
fn times_as_iso_writes_them() {
    let leap = 762_566_399_999_990;
    assert_eq!(
        iso_timestamp(leap, Clock::Local),
        "2024-02-29T23:59:59.99999"
    );
    assert_eq!(iso_timestamp(0, Clock::Utc), "2000-01-01T00:00:00+00:00");
    assert_eq!(iso_date(-63_082_281_600_000_001), "0001-12-31 BC");
    assert_eq!(iso_date(-1), "1999-12-31");
}
