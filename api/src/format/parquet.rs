//! Parquet: one row for each exchange, for who counts and joins with DuckDB, pandas or Spark.
//!
//! Columns hold what a list row shows, as numbers where it is numbers; the last one holds the whole entry as JSON, so that
//! nothing is lost. Rows leave in groups, so memory is bounded however many there are.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use serde_json::Value;

use super::row::Row;
use super::trace;
use indexer::entry;

/// Rows of a group.
const ROWS_MAX: usize = 16_384;
/// Bytes of text in a group, about: entries with bodies may be a megabyte each.
const GROUP_BYTES_MAX: usize = 32 << 20;

/// The columns, in the order of [`Columns::push`].
const SCHEMA: &str = "message exchange {
    REQUIRED INT64 time (TIMESTAMP(NANOS, true));
    REQUIRED BYTE_ARRAY id (UTF8);
    REQUIRED BYTE_ARRAY protocol (UTF8);
    OPTIONAL BYTE_ARRAY version (UTF8);
    OPTIONAL BYTE_ARRAY node (UTF8);
    OPTIONAL BYTE_ARRAY src_ip (UTF8);
    OPTIONAL INT32 src_port;
    OPTIONAL BYTE_ARRAY src_name (UTF8);
    OPTIONAL BYTE_ARRAY dst_ip (UTF8);
    OPTIONAL INT32 dst_port;
    OPTIONAL BYTE_ARRAY dst_name (UTF8);
    OPTIONAL BYTE_ARRAY method (UTF8);
    OPTIONAL BYTE_ARRAY summary (UTF8);
    OPTIONAL INT64 status;
    OPTIONAL BYTE_ARRAY status_text (UTF8);
    OPTIONAL INT64 elapsed_ms;
    OPTIONAL INT64 request_bytes;
    OPTIONAL INT64 response_bytes;
    OPTIONAL BYTE_ARRAY trace_id (UTF8);
    OPTIONAL BYTE_ARRAY request_headers (JSON);
    OPTIONAL BYTE_ARRAY response_headers (JSON);
    REQUIRED BYTE_ARRAY entry (JSON);
}";

/// A file on its way out.
pub struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    group: Group,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins the file.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn begin(out: W) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(io_error)?);
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("remora ", env!("CARGO_PKG_VERSION")).to_owned());
        let writer =
            SerializedFileWriter::new(out, schema, Arc::new(properties.build())).map_err(io_error)?;
        Ok(Self { writer, group: Group::default() })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn entry(&mut self, entry: &Value) -> io::Result<()> {
        self.group.push(entry)?;
        if self.group.rows >= ROWS_MAX || self.group.bytes >= GROUP_BYTES_MAX {
            self.write_group()?;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// When `out` can't be written.
    pub fn end(mut self) -> io::Result<()> {
        if self.group.rows > 0 {
            self.write_group()?;
        }
        self.writer.into_inner().map_err(io_error)?.flush()
    }

    fn write_group(&mut self) -> io::Result<()> {
        let group = std::mem::take(&mut self.group);
        let mut rows = self.writer.next_row_group().map_err(io_error)?;
        for column in group.columns {
            match column {
                Column::Text(values) => write_column::<ByteArrayType>(&mut rows, &values),
                Column::Int(values) => write_column::<Int32Type>(&mut rows, &values),
                Column::Long(values) => write_column::<Int64Type>(&mut rows, &values),
            }
            .map_err(io_error)?;
        }
        rows.close().map(drop).map_err(io_error)
    }
}

fn write_column<T: DataType>(
    rows: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &Values<T::T>,
) -> Result<(), ParquetError> {
    let Some(mut column) = rows.next_column()? else {
        return Err(ParquetError::General("more columns than the schema has".to_owned()));
    };
    column.typed::<T>().write_batch(&values.there, Some(&values.levels), None)?;
    column.close()
}

/// Values of one column: those that are there, and for each row whether it is.
struct Values<T> {
    there: Vec<T>,
    levels: Vec<i16>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self { there: Vec::new(), levels: Vec::new() }
    }
}

impl<T> Values<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.there.extend(value);
    }
}

enum Column {
    Text(Values<ByteArray>),
    Int(Values<i32>),
    Long(Values<i64>),
}

/// One value of a row.
enum Cell {
    Text(Option<String>),
    Int(Option<i32>),
    Long(Option<i64>),
}

/// Rows that wait to be written, column by column.
#[derive(Default)]
struct Group {
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

impl Group {
    fn push(&mut self, entry: &Value) -> io::Result<()> {
        let cells = cells(entry)?;
        if self.columns.is_empty() {
            self.columns.extend(cells.iter().map(|cell| match cell {
                Cell::Text(_) => Column::Text(Values::default()),
                Cell::Int(_) => Column::Int(Values::default()),
                Cell::Long(_) => Column::Long(Values::default()),
            }));
        }
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            match (column, cell) {
                (Column::Text(values), Cell::Text(text)) => {
                    self.bytes += text.as_ref().map_or(0, String::len);
                    values.push(text.map(|text| ByteArray::from(text.into_bytes())));
                }
                (Column::Int(values), Cell::Int(value)) => values.push(value),
                (Column::Long(values), Cell::Long(value)) => values.push(value),
                _ => {}
            }
        }
        self.rows += 1;
        Ok(())
    }
}

/// A row, in the order of [`SCHEMA`].
fn cells(entry: &Value) -> io::Result<[Cell; 22]> {
    let row = Row::of(entry);
    let summary = entry::summary(entry);
    let text = |text: &str| Cell::Text(Some(text.to_owned()).filter(|text| !text.is_empty()));
    let known = |text: &str| Cell::Text(Some(text.to_owned()));
    let at = |path: [&str; 2]| text(entry[path[0]][path[1]].as_str().unwrap_or_default());
    let port = |port: &str| Cell::Int(port.parse().ok());
    let size = |bytes: Option<u64>| Cell::Long(bytes.and_then(|bytes| i64::try_from(bytes).ok()));
    let headers = |message: &str| {
        let headers = &entry[message]["headers"];
        Cell::Text(headers.as_object().filter(|names| !names.is_empty()).map(|_| headers.to_string()))
    };
    // What is redacted, or lies beyond the years that nanoseconds can tell, is the epoch: a row must have a time.
    let time = row.time.parse::<jiff::Timestamp>().map_or(0, |time| time.as_nanosecond());
    Ok([
        Cell::Long(Some(i64::try_from(time).unwrap_or_default())),
        known(row.id),
        known(row.protocol),
        at(["protocol", "version"]),
        at(["node", "name"]),
        text(row.source.ip),
        port(row.source.port),
        text(row.source.name),
        text(row.destination.ip),
        port(row.destination.port),
        text(row.destination.name),
        text(&summary.method),
        text(&summary.text),
        Cell::Long(entry["response"]["status"].as_i64()),
        text(&summary.status),
        size(row.elapsed_ms),
        size(row.request_bytes),
        size(row.response_bytes),
        Cell::Text(trace::id(entry)),
        headers("request"),
        headers("response"),
        known(&serde_json::to_string(entry)?),
    ])
}

/// An error of the output as it was, so that a reader that went away is known as such.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;
    use serde_json::json;

    use super::*;

    fn written(entries: &[Value]) -> SerializedFileReader<File> {
        let out = tempfile::tempfile().unwrap();
        let mut file = ParquetFile::begin(out.try_clone().unwrap()).unwrap();
        for entry in entries {
            file.entry(entry).unwrap();
        }
        file.end().unwrap();
        SerializedFileReader::new(out).unwrap()
    }

    fn exchange(number: usize) -> Value {
        json!({
            "id": format!("a.1.{number}"), "startTime": "2023-03-13T02:37:46.172000001Z", "elapsedTime": 23,
            "protocol": { "name": "http", "abbr": "HTTP", "version": "1.1" }, "node": { "name": "web" },
            "src": { "ip": "10.0.0.5", "port": "40000", "name": "" },
            "dst": { "ip": "10.0.0.9", "port": "80", "name": "shop" },
            "request": { "method": "GET", "url": "/x", "headers": {
                "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" } },
            "response": { "status": 404 }, "requestSize": 184, "responseSize": 1270,
        })
    }

    #[test]
    fn a_row_holds_the_columns_and_the_entry() {
        let bare = json!({ "id": "a.1.3", "protocol": { "abbr": "DNS" }, "response": {} });
        let reader = written(&[exchange(2), bare.clone()]);
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 2);
        let columns: Vec<String> = rows[0].get_column_iter().map(|(name, _)| name.clone()).collect();
        let at = |name: &str| columns.iter().position(|column| column == name).unwrap();
        assert_eq!(rows[0].get_long(at("status")).unwrap(), 404);
        assert_eq!(rows[0].get_int(at("src_port")).unwrap(), 40000);
        assert_eq!(rows[0].get_string(at("dst_name")).unwrap(), "shop");
        assert_eq!(rows[0].get_string(at("method")).unwrap(), "GET");
        assert_eq!(rows[0].get_string(at("trace_id")).unwrap(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for (row, entry) in rows.iter().zip([exchange(2), bare]) {
            let whole: Value = serde_json::from_str(row.get_string(at("entry")).unwrap()).unwrap();
            assert_eq!(whole, entry);
        }
        assert!(rows[1].get_long(at("status")).is_err(), "null is null");
    }

    #[test]
    fn rows_leave_in_groups_and_none_is_a_file_too() {
        let entries: Vec<_> = (0..ROWS_MAX + 1).map(exchange).collect();
        let reader = written(&entries);
        assert_eq!((reader.num_row_groups(), written(&[]).num_row_groups()), (2, 0));
        let ids = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().get_string(1).unwrap().clone());
        assert!(ids.eq(entries.iter().map(|entry| entry["id"].as_str().unwrap().to_owned())));
        let heavy = json!({ "id": "x", "request": { "body": "x".repeat(GROUP_BYTES_MAX / 2) } });
        assert_eq!(written(&[heavy.clone(), heavy.clone(), heavy]).num_row_groups(), 2);
    }
}
