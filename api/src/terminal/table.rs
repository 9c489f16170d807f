//! Tables that fit the terminal.
//!
//! Rows stream: the first [`ROWS_MEASURED`] decide the widths, later rows are cut to them. When a table is
//! too wide, long columns shrink first, then timestamps lose their date, then the least important columns go;
//! a column that must be whole (an id to type again) is never cut. Into a file or a pipe nothing is cut.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::paint::Style;
use super::{Screen, escape};

/// Rows that are kept back to measure the widths: enough for any screen, little enough to wait for.
const ROWS_MEASURED: usize = 200;

/// Widest that a column grows when nothing limits it, so that one monstrous URL can't push the rest away.
const WIDTH_MAX_UNLIMITED: usize = 1000;

/// Spaces between columns.
const GAP: usize = 2;

/// How a column behaves when there is too little room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fit {
    /// Shown whole, or, when a rank is given, not at all: higher ranks go first.
    Whole(Option<u8>),
    /// Shrinks to the first number of columns, its end replaced by `…`; then it goes by its rank, if any.
    CutEnd(usize, Option<u8>),
    /// Shown whole or only so many columns of its end: a time of day without its date.
    KeepEnd(usize),
}

/// On which side a cell's text lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// What happens to it when there is too little room.
    pub fit: Fit,
    /// Where its text lies.
    pub align: Align,
}

/// One cell; its text is made harmless here.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell with `text`, which may come from the wire.
    pub fn new(text: &str) -> Self {
        Self::styled(text, Style::Normal)
    }

    /// A cell in a colour.
    pub fn styled(text: &str, style: Style) -> Self {
        Self { text: escape::line(text).into_owned(), style }
    }
}

/// A table on its way out.
pub struct Table<W> {
    out: W,
    screen: Screen,
    columns: &'static [Column],
    layout: Layout,
}

enum Layout {
    Measuring(Vec<Vec<Cell>>),
    /// The width of each column; `None`: not shown.
    Fixed(Vec<Option<usize>>),
}

impl<W: Write> Table<W> {
    /// An empty table; nothing is written yet.
    pub const fn new(out: W, screen: Screen, columns: &'static [Column]) -> Self {
        Self { out, screen, columns, layout: Layout::Measuring(Vec::new()) }
    }

    /// Adds a row.
    pub fn row(&mut self, row: Vec<Cell>) -> io::Result<()> {
        match &mut self.layout {
            Layout::Fixed(widths) => write_row(&mut self.out, self.screen, self.columns, widths, &row),
            Layout::Measuring(rows) => {
                rows.push(row);
                if rows.len() >= ROWS_MEASURED { self.settle() } else { Ok(()) }
            }
        }
    }

    /// Writes what was kept back for whoever waits for it; from then on the widths are those of the rows so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.settle()?;
        self.out.flush()
    }

    /// Writes what was kept back; a table without rows writes nothing.
    pub fn finish(mut self) -> io::Result<()> {
        self.settle()?;
        self.out.flush()
    }

    fn settle(&mut self) -> io::Result<()> {
        let Layout::Measuring(rows) = &mut self.layout else { return Ok(()) };
        let rows = std::mem::take(rows);
        if rows.is_empty() {
            return Ok(());
        }
        let natural: Vec<usize> = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.text.width());
                cells.max().unwrap_or(0).max(column.title.width()).min(WIDTH_MAX_UNLIMITED)
            })
            .collect();
        let widths = fit(self.columns, &natural, self.screen.width);
        let titles: Vec<Cell> =
            self.columns.iter().map(|column| Cell::styled(column.title, Style::Heading)).collect();
        write_row(&mut self.out, self.screen, self.columns, &widths, &titles)?;
        for row in &rows {
            write_row(&mut self.out, self.screen, self.columns, &widths, row)?;
        }
        self.layout = Layout::Fixed(widths);
        // Rows that took long to find should not wait for their screenful.
        self.out.flush()
    }
}

/// The width of each column (`None`: not shown), so that the whole fits into `room` if it can.
fn fit(columns: &[Column], natural: &[usize], room: Option<usize>) -> Vec<Option<usize>> {
    let Some(room) = room else { return natural.iter().copied().map(Some).collect() };
    let ends_cut: Vec<usize> = natural
        .iter()
        .zip(columns)
        .map(|(width, column)| match column.fit {
            Fit::KeepEnd(end) => *width.min(&end),
            _ => *width,
        })
        .collect();
    let mut shown = vec![true; columns.len()];
    loop {
        for start in [natural, &ends_cut] {
            let widths = shrink(columns, start, &shown, room);
            if total(&widths) <= room {
                return widths;
            }
        }
        let rank = |at: &usize| match columns[*at].fit {
            Fit::Whole(rank) | Fit::CutEnd(_, rank) => rank.filter(|_| shown[*at]),
            Fit::KeepEnd(_) => None,
        };
        match (0..columns.len()).filter(|at| rank(at).is_some()).max_by_key(rank) {
            Some(least_important) => shown[least_important] = false,
            None => return shrink(columns, &ends_cut, &shown, room),
        }
    }
}

/// Takes from the widest column that may shrink until the whole fits or none is left.
fn shrink(columns: &[Column], start: &[usize], shown: &[bool], room: usize) -> Vec<Option<usize>> {
    let mut widths: Vec<Option<usize>> =
        start.iter().zip(shown).map(|(width, shown)| shown.then_some(*width)).collect();
    while total(&widths) > room {
        let shrinkable = |at: &usize| match (columns[*at].fit, widths[*at]) {
            (Fit::CutEnd(least, _), Some(width)) if width > least => Some(width),
            _ => None,
        };
        let widest = (0..columns.len()).filter(|at| shrinkable(at).is_some()).max_by_key(shrinkable);
        let Some(widest) = widest else { break };
        widths[widest] = widths[widest].map(|width| width - 1);
    }
    widths
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten().count();
    widths.iter().flatten().sum::<usize>() + shown.saturating_sub(1) * GAP
}

fn write_row(
    out: &mut impl Write,
    screen: Screen,
    columns: &[Column],
    widths: &[Option<usize>],
    row: &[Cell],
) -> io::Result<()> {
    let last = widths.iter().rposition(Option::is_some);
    for (at, (column, cell)) in columns.iter().zip(row).enumerate() {
        let Some(width) = widths.get(at).copied().flatten() else { continue };
        let text = match column.fit {
            _ if cell.text.width() <= width || screen.width.is_none() => cell.text.clone(),
            Fit::Whole(_) => cell.text.clone(),
            Fit::CutEnd(..) => cut_end(&cell.text, width),
            Fit::KeepEnd(_) => keep_end(&cell.text, width),
        };
        let padding = " ".repeat(width.saturating_sub(text.width()));
        let painted = screen.paint.of(cell.style, text);
        let gap = if last == Some(at) { "" } else { "  " };
        match column.align {
            Align::Right => write!(out, "{padding}{painted}{gap}")?,
            Align::Left if last == Some(at) => write!(out, "{painted}")?,
            Align::Left => write!(out, "{painted}{padding}{gap}")?,
        }
    }
    writeln!(out)
}

/// The beginning of `text` and `…`, together at most `width` columns wide.
fn cut_end(text: &str, width: usize) -> String {
    let mut kept = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(character);
    }
    kept.push('…');
    kept
}

fn keep_end(text: &str, width: usize) -> String {
    let mut used = 0;
    let start = text.char_indices().rev().take_while(|(_, character)| {
        used += character.width().unwrap_or(0);
        used <= width
    });
    let start = start.last().map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::paint::Paint;

    const COLUMNS: &[Column] = &[
        Column { title: "time", fit: Fit::KeepEnd(13), align: Align::Left },
        Column { title: "summary", fit: Fit::CutEnd(8, None), align: Align::Left },
        Column { title: "size", fit: Fit::Whole(Some(1)), align: Align::Right },
        Column { title: "id", fit: Fit::Whole(None), align: Align::Left },
    ];

    fn render(width: Option<usize>, rows: &[[&str; 4]]) -> String {
        let mut out = Vec::new();
        let mut table = Table::new(&mut out, Screen { width, paint: Paint::Plain }, COLUMNS);
        for row in rows {
            table.row(row.iter().map(|text| Cell::new(text)).collect()).unwrap();
        }
        table.finish().unwrap();
        String::from_utf8(out).unwrap()
    }

    const ROWS: &[[&str; 4]] = &[
        ["2026-11-21 10:00:00.123Z", "GET /catalogue/size?tags=", "127 B", "web-1:7"],
        ["2026-11-21 10:00:01.000Z", "A shop", "12 B", "web-1:8"],
    ];

    #[test]
    fn into_a_pipe_nothing_is_cut() {
        assert_eq!(
            render(None, ROWS),
            "time                      summary                     size  id\n\
             2026-11-21 10:00:00.123Z  GET /catalogue/size?tags=  127 B  web-1:7\n\
             2026-11-21 10:00:01.000Z  A shop                      12 B  web-1:8\n"
        );
    }

    #[test]
    fn long_text_shrinks_before_the_date_goes_and_columns_last() {
        assert_eq!(
            render(Some(60), ROWS).lines().nth(1).unwrap(),
            "2026-11-21 10:00:00.123Z  GET /catalogue/si…  127 B  web-1:7"
        );
        assert_eq!(
            render(Some(45), ROWS).lines().nth(1).unwrap(),
            "10:00:00.123Z  GET /catalogu…  127 B  web-1:7"
        );
        assert_eq!(render(Some(34), ROWS).lines().nth(1).unwrap(), "10:00:00.123Z  GET /cata…  web-1:7");
        // Too narrow for anything: what must be whole stays whole.
        assert_eq!(render(Some(10), ROWS).lines().nth(1).unwrap(), "10:00:00.123Z  GET /ca…  web-1:7");
    }

    #[test]
    fn no_row_is_wider_than_the_terminal_whatever_it_holds() {
        let wide = [["2026-11-21 10:00:00.123Z", "日本語日本語日本語日本語", "1 B", "web-1:9"]];
        for width in 40..90 {
            for line in render(Some(width), &wide).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn hostile_text_is_harmless_and_an_empty_table_is_empty() {
        let hostile = [["t", "\x1b[2J\nGET", "1", "i"]];
        assert!(render(None, &hostile).contains("\\x1b[2J\\nGET"));
        assert_eq!(render(Some(80), &[]), "");
    }
}
