//! A column, read a block of documents at a time.

use std::fmt::Debug;
use std::ops::Range;

use tantivy::columnar::{Column, ColumnIndex};

/// Documents of a block: some columns of it fit into a core's own cache.
pub const BLOCK_DOCS: u32 = 1_024;

/// One column. Where a document has no value, it says `absent`.
pub struct Lane<T> {
    column: Option<Column<T>>,
    absent: T,
    block: Vec<T>,
    /// For columns that don't have a value for every document.
    sparse: Sparse<T>,
}

/// Room for the values that there are.
struct Sparse<T> {
    asked: Vec<u32>,
    docs: Vec<u32>,
    rows: Vec<u32>,
    values: Vec<T>,
}

impl<T: Copy + PartialOrd + Debug + Send + Sync + 'static> Lane<T> {
    /// Over a column; `None` where no document has a value.
    #[must_use]
    pub fn new(column: Option<Column<T>>, absent: T) -> Self {
        let room = Sparse { asked: Vec::new(), docs: Vec::new(), rows: Vec::new(), values: Vec::new() };
        Self { column, absent, block: Vec::new(), sparse: room }
    }

    /// The values of a block, one for each document.
    pub fn load(&mut self, block: Range<u32>) -> &[T] {
        let length = block.len();
        self.block.resize(length, self.absent);
        match &self.column {
            Some(column) if matches!(column.index, ColumnIndex::Full) => {
                column.values.get_range(u64::from(block.start), &mut self.block);
            }
            Some(column) => {
                self.block.fill(self.absent);
                self.sparse.scatter(column, block, &mut self.block, self.absent);
            }
            None => self.block.fill(self.absent),
        }
        &self.block
    }
}

impl<T: Copy + PartialOrd + Debug + Send + Sync + 'static> Sparse<T> {
    fn scatter(&mut self, column: &Column<T>, block: Range<u32>, out: &mut [T], absent: T) {
        let Self { asked, docs, rows, values } = self;
        asked.clear();
        asked.extend(block.clone());
        docs.clear();
        rows.clear();
        column.index.docids_to_rowids(asked, docs, rows);
        let (Some(first), Some(last)) = (rows.first().copied(), rows.last().copied()) else { return };
        // Rows are numbered in the order of documents, so those of a block lie together.
        values.resize((last - first + 1) as usize, absent);
        column.values.get_range(u64::from(first), values);
        for (doc, value) in docs.iter().zip(values.iter()) {
            if let Some(place) = out.get_mut((doc - block.start) as usize) {
                *place = *value;
            }
        }
    }
}
