//! Plots as SVG text, over logarithmic scales which say so: dots, whose places are their values, and lines. Light or dark as
//! whoever looks has it.
//!
//! Comes in: names and numbers. Goes out: an image that needs no script and no font of its own.

use std::fmt::Write;

use rpc_cli::load::plot::{GROUND, Scale, Span, escape};

use crate::report::number;

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Dot {
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

/// What a colour means.
pub(super) type Legend<'a> = &'a [(&'static str, &'static str)];

/// A row for each value, over a logarithmic scale: bars would begin nowhere on it. `across` says what is measured.
pub(super) fn dots(title: &str, across: &str, legend: Legend<'_>, dots: &[Dot]) -> String {
    let dots: Vec<_> = dots.iter().filter(|dot| dot.value > 0.0).collect();
    let scale = Axis::over(dots.iter().map(|dot| dot.value), NAMES, WIDTH - MARGIN_OF_VALUES);
    let bottom = TOP + ROW * dots.len() as f64;
    let mut svg = open(title, bottom + BOTTOM + ROW, legend);
    scale.draw_vertical(&mut svg, TOP, bottom);
    let middle = f64::midpoint(NAMES, WIDTH - MARGIN_OF_VALUES);
    text(&mut svg, middle, bottom + BOTTOM + 8.0, "middle", &format!("{across} (log)"));
    for (index, dot) in dots.into_iter().enumerate() {
        let y = TOP + ROW * index as f64 + ROW / 2.0;
        let x = scale.at(dot.value);
        rule(&mut svg, (NAMES, y), (WIDTH - MARGIN_OF_VALUES, y));
        text(&mut svg, NAMES - 6.0, y + 4.0, "end", &dot.name);
        let colour = dot.colour;
        let circle =
            format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>");
        add(&mut svg, circle);
        text(&mut svg, x + 9.0, y + 4.0, "start", &number(dot.value));
    }
    close(svg)
}

/// Lines over two logarithmic scales, each led to its name at the right.
pub(super) fn lines(title: &str, across: &str, legend: Legend<'_>, lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let (bottom, right) = (TOP + HEIGHT, WIDTH - NAMES);
    let x = Axis::over(points().map(|(x, _)| x), LEFT, right);
    let y = Axis::over(points().map(|(_, y)| y), bottom, TOP);
    let mut svg = open(title, bottom + BOTTOM + ROW, legend);
    x.draw_vertical(&mut svg, TOP, bottom);
    y.draw_horizontal(&mut svg, LEFT, right);
    let across = format!("{across} (log)");
    text(&mut svg, f64::midpoint(LEFT, right), bottom + BOTTOM + 8.0, "middle", &across);
    let mut ends: Vec<(f64, f64, &Line)> = Vec::new();
    for line in lines {
        let places: Vec<_> = line.points.iter().map(|(px, py)| (x.at(*px), y.at(*py))).collect();
        stroke(&mut svg, line.colour, line.weight, &places);
        ends.extend(places.last().map(|&(px, py)| (px, py, line)));
    }
    // Names are moved down until none covers another.
    ends.sort_by(|(_, a, _), (_, b, _)| a.total_cmp(b));
    let mut free = TOP;
    for (px, py, line) in ends {
        let row = py.max(free);
        free = row + 14.0;
        stroke(&mut svg, line.colour, 0.7, &[(px, py), (right + 18.0, row)]);
        text(&mut svg, right + 22.0, row + 4.0, "start", &line.name);
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

    fn draw_vertical(&self, svg: &mut String, top: f64, bottom: f64) {
        for value in self.span.ticks() {
            let x = self.at(value);
            rule(svg, (x, top), (x, bottom));
            text(svg, x, bottom + 14.0, "middle", &tick(value));
        }
    }

    fn draw_horizontal(&self, svg: &mut String, left: f64, right: f64) {
        for value in self.span.ticks() {
            let y = self.at(value);
            rule(svg, (left, y), (right, y));
            text(svg, left - 6.0, y + 4.0, "end", &tick(value));
        }
    }
}

fn open(title: &str, height: f64, legend: Legend<'_>) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <style>{GROUND}</style>\n<rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n"
    );
    let title = escape(title);
    let bold = "font-size=\"14\" font-weight=\"bold\"";
    add(&mut svg, format_args!("<text x=\"12\" y=\"20\" {bold}>{title}</text>"));
    let mut x = 12.0;
    for (colour, words) in legend {
        let circle =
            format_args!("<circle cx=\"{:.1}\" cy=\"38\" r=\"5\" fill=\"{colour}\"/>", x + 5.0);
        add(&mut svg, circle);
        text(&mut svg, x + 14.0, 42.0, "start", words);
        x += 34.0 + 7.0 * words.len() as f64;
    }
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
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" class=\"grid\"/>",
            from.0, from.1, to.0, to.1
        ),
    );
}

fn stroke(svg: &mut String, colour: &str, weight: f64, places: &[(f64, f64)]) {
    let places: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let places = places.join(" ");
    let line = format_args!(
        "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"{weight}\" points=\"{places}\"/>"
    );
    add(svg, line);
}

/// The value of a tick, which is a power of ten: without digits that say nothing.
fn tick(value: f64) -> String {
    match value {
        1e6.. => format!("{}M", value / 1e6),
        1e3.. => format!("{}k", value / 1e3),
        _ => value.to_string(),
    }
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
const TOP: f64 = 60.0;
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
        let dot = Dot { name: "a<b & c".to_owned(), value: 3.0, colour: "#000" };
        let line =
            Line { name: "x".to_owned(), points: vec![(1.0, 2.0)], colour: "#000", weight: 1.0 };
        let legend = [("#000", "all & more")];
        for svg in [dots("a > b", "us", &legend, &[dot]), lines("t", "n", &legend, &[line])] {
            let mut reader = quick_xml::Reader::from_str(&svg);
            while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
            assert_eq!(svg.matches("(log)").count(), 1, "the scale is not stated: {svg}");
            assert!(svg.contains("all &amp; more") && svg.contains("prefers-color-scheme:dark"));
        }
    }

    #[test]
    fn ticks_have_no_digits_that_say_nothing() {
        let ticks = [0.1, 1.0, 10.0, 1e3, 1e4, 1e6, 1e7].map(tick);
        assert_eq!(ticks, ["0.1", "1", "10", "1k", "10k", "1M", "10M"]);
    }
}
