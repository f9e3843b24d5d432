//! Plots as SVG text: bars and lines, both over logarithmic scales.
//!
//! Comes in: names and numbers. Goes out: an image that needs no script and no font of its own.

use std::fmt::Write;

use rpc_cli::load::plot::{Scale, Span, escape};

/// One bar.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub name: String,
    pub value: f64,
    pub colour: &'static str,
}

/// One line through points with positive coordinates.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
    pub colour: &'static str,
    /// Whether it is to stand out.
    pub weight: f64,
}

/// Horizontal bars over a logarithmic scale, each with its value.
pub(super) fn bars(title: &str, bars: &[Bar], label: fn(f64) -> String) -> String {
    let values = || bars.iter().map(|bar| bar.value).filter(|value| *value > 0.0);
    // The least value is halved, so that its bar is to be seen too.
    let least = values().min_by(f64::total_cmp).map(|least| least / 2.0);
    let scale = Axis::over(values().chain(least), NAMES, WIDTH - MARGIN_OF_VALUES);
    let height = TOP + ROW * bars.len() as f64 + BOTTOM;
    let mut svg = open(title, height);
    scale.draw_vertical(&mut svg, TOP, height - BOTTOM, label);
    for (index, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.value > 0.0) {
        let y = TOP + ROW * index as f64;
        let end = scale.at(bar.value);
        text(&mut svg, NAMES - 6.0, y + 13.0, "end", &bar.name);
        add(
            &mut svg,
            format_args!(
                "<rect x=\"{NAMES}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"/>",
                (end - NAMES).max(1.0),
                ROW - 4.0,
                bar.colour
            ),
        );
        text(&mut svg, end + 4.0, y + 13.0, "start", &label(bar.value));
    }
    close(svg)
}

/// Lines over two logarithmic scales, each named at its right end.
pub(super) fn lines(title: &str, across: &str, lines: &[Line], label: fn(f64) -> String) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let bottom = TOP + HEIGHT;
    let x = Axis::over(points().map(|(x, _)| x), LEFT, WIDTH - NAMES);
    let y = Axis::over(points().map(|(_, y)| y), bottom, TOP);
    let mut svg = open(title, bottom + BOTTOM + ROW);
    x.draw_vertical(&mut svg, TOP, bottom, label);
    y.draw_horizontal(&mut svg, LEFT, WIDTH - NAMES, label);
    text(&mut svg, f64::midpoint(LEFT, WIDTH - NAMES), bottom + BOTTOM + 8.0, "middle", across);
    let mut ends: Vec<(f64, &Line)> = Vec::new();
    for line in lines {
        let path: Vec<String> = line
            .points
            .iter()
            .map(|(px, py)| format!("{:.1},{:.1}", x.at(*px), y.at(*py)))
            .collect();
        add(
            &mut svg,
            format_args!(
                "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" points=\"{}\"/>",
                line.colour,
                line.weight,
                path.join(" ")
            ),
        );
        ends.extend(line.points.last().map(|(_, py)| (y.at(*py), line)));
    }
    // Names are moved down until none covers another.
    ends.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut free = TOP;
    for (end, line) in ends {
        let row = end.max(free);
        free = row + 14.0;
        add(
            &mut svg,
            format_args!(
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\">{}</text>",
                WIDTH - NAMES + 8.0,
                row + 4.0,
                line.colour,
                escape(&line.name)
            ),
        );
    }
    close(svg)
}

/// A logarithmic scale from whole decades to pixels.
struct Axis {
    span: Span,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let values = values.filter(|value| *value > 0.0 && value.is_finite());
        Self { span: Span::over(Scale::Decades, values), from, to }
    }

    fn at(&self, value: f64) -> f64 {
        self.from + self.span.place(value) * (self.to - self.from)
    }

    fn draw_vertical(&self, svg: &mut String, top: f64, bottom: f64, label: fn(f64) -> String) {
        for value in self.span.ticks() {
            let x = self.at(value);
            rule(svg, (x, top), (x, bottom));
            text(svg, x, bottom + 14.0, "middle", &label(value));
        }
    }

    fn draw_horizontal(&self, svg: &mut String, left: f64, right: f64, label: fn(f64) -> String) {
        for value in self.span.ticks() {
            let y = self.at(value);
            rule(svg, (left, y), (right, y));
            text(svg, left - 6.0, y + 4.0, "end", &label(value));
        }
    }
}

fn open(title: &str, height: f64) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    add(
        &mut svg,
        format_args!(
            "<text x=\"12\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>",
            escape(title)
        ),
    );
    svg
}

fn close(mut svg: String) -> String {
    svg.push_str("</svg>\n");
    svg
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    add(
        svg,
        format_args!(
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#dddddd\"/>",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, words: &str) {
    let words = escape(words);
    add(
        svg,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>"),
    );
}

fn add(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a string takes all that is written");
}

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 380.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 28.0;
const LEFT: f64 = 64.0;
const ROW: f64 = 22.0;
/// Room for the transports' names.
const NAMES: f64 = 120.0;
const MARGIN_OF_VALUES: f64 = 60.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plots_are_well_formed_whatever_they_are_called() {
        let bar = Bar { name: "a<b & c".to_owned(), value: 3.0, colour: "#000" };
        let line =
            Line { name: "x".to_owned(), points: vec![(1.0, 2.0)], colour: "#000", weight: 1.0 };
        for svg in
            [bars("a > b", &[bar], |v| v.to_string()), lines("t", "n", &[line], |v| v.to_string())]
        {
            let mut reader = quick_xml::Reader::from_str(&svg);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
        }
    }
}
