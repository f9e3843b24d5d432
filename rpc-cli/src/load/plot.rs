//! Plots as SVG that stands inside a page: lines over two axes with ticks in round numbers. Colours are the
//! page's (`.s0`, `.s1`, `.grid`), so that it may be light or dark.

use std::fmt::Write as _;

/// A plot.
#[derive(Debug)]
pub struct Plot<'a> {
    /// What it shows.
    pub title: &'a str,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// At most two in a page, whose colours they have; four in a file.
    pub lines: Vec<Line<'a>>,
}

/// How values become places.
#[derive(Debug)]
pub struct Axis {
    /// The spread.
    pub scale: Scale,
    /// The value of a tick in words.
    pub label: fn(f64) -> String,
}

/// How values are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly, from zero.
    Linear,
    /// By powers of ten.
    Log,
    /// The same, from one whole power to another.
    Decades,
    /// Quantiles by their nines: 0.9 to 0.99 is as far as 0.99 to 0.999.
    Nines,
}

/// Points that are connected.
#[derive(Debug)]
pub struct Line<'a> {
    /// In the legend.
    pub name: &'a str,
    /// In the order of x.
    pub points: Vec<(f64, f64)>,
}

/// An axis over the values that are there.
#[derive(Debug)]
pub struct Span {
    scale: Scale,
    from: f64,
    to: f64,
}

impl Plot<'_> {
    /// The SVG element.
    pub fn svg(&self) -> String {
        let values = |pick: fn(&(f64, f64)) -> f64| {
            self.lines.iter().flat_map(move |line| line.points.iter().map(pick))
        };
        let x = Span::over(self.x.scale, values(|point| point.0));
        let y = Span::over(self.y.scale, values(|point| point.1));
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{0}\"><title>{0}</title>\n",
            escape(self.title)
        );
        // Writing to a string cannot fail.
        let _ = self.axes(&mut svg, &x, &y);
        let _ = self.curves(&mut svg, &x, &y);
        svg + "</svg>\n"
    }

    /// The plot as a file of its own, on light or dark ground as whoever looks has it.
    pub fn file(&self) -> String {
        let title = escape(self.title);
        let head = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{}\" viewBox=\"0 -26 {WIDTH} {}\" \
             font-family=\"sans-serif\" font-size=\"12\" ",
            HEIGHT + 26.0,
            HEIGHT + 26.0
        );
        let ground = format!(
            "<style>{STYLE}{GROUND}</style>\n<rect y=\"-26\" width=\"100%\" height=\"100%\" class=\"ground\"/>\n\
             <text x=\"12\" y=\"-8\" font-size=\"14\" font-weight=\"bold\">{title}</text>\n"
        );
        let view = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" ");
        self.svg().replacen(&view, &head, 1).replacen(
            "</title>\n",
            &format!("</title>\n{ground}"),
            1,
        )
    }

    fn axes(&self, svg: &mut String, x: &Span, y: &Span) -> std::fmt::Result {
        for tick in y.ticks() {
            let at = BOTTOM - y.place(tick) * (BOTTOM - TOP);
            writeln!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\"/>"
            )?;
            let (at, label) = (at + 4.0, escape(&(self.y.label)(tick)));
            writeln!(
                svg,
                "<text x=\"{}\" y=\"{at:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0
            )?;
        }
        for tick in x.ticks() {
            let at = LEFT + x.place(tick) * (RIGHT - LEFT);
            writeln!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\"/>"
            )?;
            let label = escape(&(self.x.label)(tick));
            writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
                BOTTOM + 20.0
            )?;
        }
        Ok(())
    }

    fn curves(&self, svg: &mut String, x: &Span, y: &Span) -> std::fmt::Result {
        for (number, line) in self.lines.iter().enumerate() {
            let place = |point: &(f64, f64)| {
                let left = LEFT + x.place(point.0) * (RIGHT - LEFT);
                let top = BOTTOM - y.place(point.1) * (BOTTOM - TOP);
                format!("{left:.1},{top:.1}")
            };
            let points: Vec<String> = line.points.iter().map(place).collect();
            writeln!(svg, "<polyline class=\"s{number}\" points=\"{}\"/>", points.join(" "))?;
            // A single point has no line.
            if let [only] = points.as_slice()
                && let Some((left, top)) = only.split_once(',')
            {
                writeln!(svg, "<circle class=\"s{number}\" cx=\"{left}\" cy=\"{top}\" r=\"3\"/>")?;
            }
            if self.lines.len() > 1 {
                let at = LEFT + 12.0 + number as f64 * LEGEND;
                let name = escape(line.name);
                writeln!(
                    svg,
                    "<line class=\"s{number}\" x1=\"{at}\" y1=\"10\" x2=\"{}\" y2=\"10\"/>",
                    at + 18.0
                )?;
                writeln!(svg, "<text x=\"{}\" y=\"14\">{name}</text>", at + 24.0)?;
            }
        }
        Ok(())
    }
}

impl Span {
    /// Over these values.
    pub fn over(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let spread: Vec<f64> = values.map(|value| scale.spread(value)).collect();
        let least = spread.iter().copied().fold(f64::INFINITY, f64::min);
        let most = spread.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (from, to) = match scale {
            _ if spread.is_empty() => (0.0, 1.0),
            Scale::Linear => (0.0, most * 1.05),
            Scale::Nines => (0.0, most),
            Scale::Decades => (least.floor(), most.ceil()),
            Scale::Log => ((least - 0.05).floor().max(least - 0.3), most + 0.05),
        };
        Self { scale, from, to: if to > from { to } else { from + 1.0 } }
    }

    /// From 0 at the begin of the axis to 1 at its end.
    pub fn place(&self, value: f64) -> f64 {
        ((self.scale.spread(value) - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Values that are marked.
    pub fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = round_step((self.to - self.from) / 5.0);
                (0..=10).map(|tick| f64::from(tick) * step).filter(|at| *at <= self.to).collect()
            }
            Scale::Log => self.log_ticks(),
            Scale::Decades => {
                (self.from as i32..=self.to as i32).map(|power| 10_f64.powi(power)).collect()
            }
            Scale::Nines => {
                let nines = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999_999];
                nines.into_iter().filter(|&at| self.scale.spread(at) <= self.to + 1e-9).collect()
            }
        }
    }

    /// Powers of ten, with their multiples by two and five where there are few.
    fn log_ticks(&self) -> Vec<f64> {
        let multiples: &[f64] = if self.to - self.from > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let powers = self.from.floor() as i32..=self.to.ceil() as i32;
        let ticks =
            powers.flat_map(|power| multiples.iter().map(move |by| by * 10_f64.powi(power)));
        ticks.filter(|tick| (self.from..=self.to).contains(&tick.log10())).collect()
    }
}

impl Scale {
    fn spread(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Log | Self::Decades => value.max(SMALLEST).log10(),
            Self::Nines => -(1.0 - value).max(SMALLEST).log10(),
        }
    }
}

/// One of 1, 2, 5, 10, 20, … that is about as large, or larger.
fn round_step(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.max(SMALLEST).log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|by| by * power);
    steps.into_iter().find(|&step| step >= rough * 0.8).unwrap_or(rough)
}

/// A text as it may stand in a page.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 724.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 264.0;
const LEGEND: f64 = 110.0;
/// Colours that people tell apart who see few.
const STYLE: &str = "polyline,line{fill:none;stroke-width:2}.s0{stroke:#d55e00}.s1{stroke:#0072b2}.s2{stroke:#009e73}\
    .s3{stroke:#cc79a7}";

/// The ground of a plot in a file of its own, its grid and its words.
pub const GROUND: &str = "text{fill:#1f2328}.ground{fill:#ffffff}.grid{stroke:#d8dee4;stroke-width:1}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.grid{stroke:#30363d}}";
const SMALLEST: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_a_file_of_its_own() {
        let label: fn(f64) -> String = |value| value.to_string();
        let axis = || Axis { scale: Scale::Linear, label };
        let lines = vec![Line { name: "a<b", points: vec![(1.0, 2.0), (3.0, 4.0)] }];
        let file = Plot { title: "one & two", x: axis(), y: axis(), lines }.file();
        assert!(file.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" "), "{file}");
        assert_eq!(file.matches("viewBox").count(), 1);
        assert_eq!(file.matches("<style>").count(), 1);
        assert_eq!(file.matches("one &amp; two").count(), 3);
        assert!(file.contains("prefers-color-scheme:dark") && !file.contains("fill=\"#ffffff\""));
    }

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let linear = Span::over(Scale::Linear, [3.0, 871.0].into_iter());
        assert_eq!(linear.ticks(), [0.0, 200.0, 400.0, 600.0, 800.0]);
        let log = Span::over(Scale::Log, [80.0, 4000.0].into_iter());
        assert_eq!(log.ticks(), [50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0]);
        let nines = Span::over(Scale::Nines, [0.0, 0.9995].into_iter());
        assert_eq!(nines.ticks(), [0.0, 0.5, 0.9, 0.99, 0.999]);
        let decades = Span::over(Scale::Decades, [2.0, 500.0].into_iter());
        assert_eq!(decades.ticks(), [1.0, 10.0, 100.0, 1000.0]);
        assert!((decades.place(20.0) - decades.place(2.0) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn each_nine_is_as_far_as_the_one_before() {
        let nines = Span::over(Scale::Nines, [0.0, 0.9999].into_iter());
        for (quantile, place) in [(0.0, 0.0), (0.9, 0.25), (0.99, 0.5), (0.9999, 1.0)] {
            assert!((nines.place(quantile) - place).abs() < 1e-9, "{quantile}");
        }
    }

    #[test]
    fn nothing_or_one_point_makes_a_plot_too() {
        let axis = |scale| Axis { scale, label: |value| value.to_string() };
        for points in [vec![], vec![(1.0, 5.0)], vec![(0.0, 0.0), (0.0, 0.0)]] {
            let lines = vec![Line { name: "a<b", points }];
            let plot = Plot { title: "t", x: axis(Scale::Linear), y: axis(Scale::Log), lines };
            let svg = plot.svg();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
