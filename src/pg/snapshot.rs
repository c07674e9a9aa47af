//! Transactions by their 64-bit numbers, and which of them a moment sees: what `pg_snapshot` holds.

use super::table::Cell;
use pgrx::pg_sys;

/// The number of a transaction, of which each is given out once.
pub type FullXid = u64;

/// What has been committed at a moment, of top-level transactions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Snapshot {
    xmin: FullXid,
    xmax: FullXid,
    /// Running at the moment: between `xmin` and `xmax`, ascending.
    running: Vec<FullXid>,
}

/// The number of the running transaction, which gets one if it has none.
pub fn own_transaction() -> FullXid {
    // SAFETY: within a transaction.
    unsafe { pg_sys::GetTopFullTransactionId().value }
}

/// A transaction's number as an `xid8`.
pub fn xid_cell(xid: FullXid) -> Cell {
    Cell::typed(pg_sys::Datum::from(xid), pg_sys::XID8OID)
}

/// That of the running transaction; 0 where it has none.
pub fn own_transaction_if_any() -> FullXid {
    // SAFETY: within a transaction.
    unsafe { pg_sys::GetTopFullTransactionIdIfAny().value }
}

impl Snapshot {
    /// The present moment, whatever snapshot the transaction goes by. Of the running transaction it says
    /// that it is not over, where it has a number.
    pub fn latest() -> Self {
        // SAFETY: within a transaction; the snapshot is static and copied before another one is taken.
        unsafe {
            let snapshot = &*pg_sys::GetLatestSnapshot();
            let next = pg_sys::ReadNextFullTransactionId().value;
            let widen = |xid: pg_sys::TransactionId| widened(xid, next);
            let xids = match snapshot.xcnt as usize {
                0 => &[],
                count => std::slice::from_raw_parts(snapshot.xip, count),
            };
            let mut running: Vec<_> = xids.iter().map(|xid| widen(*xid)).collect();
            let xmax = widen(snapshot.xmax);
            let own = pg_sys::GetTopFullTransactionIdIfAny().value;
            if own != 0 && own < xmax {
                running.push(own);
            }
            running.sort_unstable();
            running.dedup();
            Self {
                xmin: widen(snapshot.xmin).min(running.first().copied().unwrap_or(xmax)),
                xmax,
                running,
            }
        }
    }

    /// Whether a transaction that has been committed had been so at this moment.
    pub fn sees(&self, xid: FullXid) -> bool {
        xid < self.xmin || (xid < self.xmax && self.running.binary_search(&xid).is_err())
    }

    /// All transactions from this one on were not over.
    pub fn end(&self) -> FullXid {
        self.xmax
    }

    /// Nor were these.
    pub fn running(&self) -> &[FullXid] {
        &self.running
    }

    /// Reads a `pg_snapshot`, from behind its varlena header.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let (words, _) = rest.as_chunks::<8>();
        let words = words.get(..2 + u32::from_ne_bytes(*count) as usize)?;
        let mut words = words.iter().map(|word| u64::from_ne_bytes(*word));
        Some(Self {
            xmin: words.next()?,
            xmax: words.next()?,
            running: words.collect(),
        })
    }

    /// A `pg_snapshot` in the current memory context.
    pub fn cell(&self) -> Cell {
        let count = self.running.len() as u32;
        let bytes: Vec<u8> = count
            .to_ne_bytes()
            .into_iter()
            .chain(self.xmin.to_ne_bytes())
            .chain(self.xmax.to_ne_bytes())
            .chain(self.running.iter().flat_map(|xid| xid.to_ne_bytes()))
            .collect();
        Cell::typed(super::array::varlena(&bytes), pg_sys::PG_SNAPSHOTOID)
    }
}

/// The number of a transaction that is at most 2^31 older than the next one.
fn widened(xid: pg_sys::TransactionId, next: u64) -> FullXid {
    let low = u64::from(xid.into_inner());
    let wide = (next & !u64::from(u32::MAX)) | low;
    // Later in its epoch than the next one is: of the epoch before.
    if wide > next && wide > u64::from(u32::MAX) {
        wide - (1 << 32)
    } else {
        wide
    }
}
