//! A run as CSV: a row for each interval and one for the whole; what was measured where is said in comments
//! above them, which begin with `#`.

use super::{
    results::{Latency, Results, SampleRecord},
    text::load,
};

/// The report.
pub(crate) fn report(results: &Results) -> String {
    let target = &results.target;
    let mut lines = vec![
        format!("# {} {} at {}", target.method, target.arguments, target.address),
        format!("# {}", load(results)),
        format!("# {}", results.machine),
    ];
    lines.extend(results.warnings.iter().map(|warning| format!("# warning: {warning}")));
    lines.extend(results.errors.iter().map(|error| format!("# {}: {}", error.status, error.count)));
    // A comment is one line, whatever was written in the arguments.
    for line in &mut lines {
        *line = line.replace(['\n', '\r'], " ");
    }
    lines.push(HEAD.to_owned());
    lines.extend(results.samples.iter().map(sample));
    lines.push(total(results));
    lines.join("\n")
}

fn sample(sample: &SampleRecord) -> String {
    let SampleRecord { at, seconds, calls, errors, calls_per_second, p50_us, p99_us } = sample;
    format!(
        "sample,{at:.3},{seconds:.3},{calls},{errors},{calls_per_second:.1},{p50_us:.1},,{p99_us:.1},,,"
    )
}

fn total(results: &Results) -> String {
    let (summary, Latency { p50, p90, p99, p99_9, p99_99, max, .. }) =
        (&results.summary, results.latency_us);
    let (seconds, calls, errors) = (summary.seconds, summary.calls, summary.errors);
    let rate = summary.calls_per_second;
    format!(
        "total,{seconds:.3},{seconds:.3},{calls},{errors},{rate:.1},{p50:.1},{p90:.1},{p99:.1},\
         {p99_9:.1},{p99_99:.1},{max:.1}"
    )
}

const HEAD: &str = "kind,at_s,seconds,calls,errors,calls_per_s,p50_us,p90_us,p99_us,p99_9_us,\
                    p99_99_us,max_us";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::summary::tests::example;

    #[test]
    fn every_row_has_the_columns_of_the_head() {
        let mut results = example();
        results.target.arguments = "{\"a\":\n1}".to_owned();
        let text = report(&results);
        let rows: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(rows.len(), results.samples.len() + 2);
        let columns = HEAD.split(',').count();
        assert!(rows.iter().all(|row| row.split(',').count() == columns), "{text}");
    }
}
