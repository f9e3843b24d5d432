//! What was measured, as SVG.

use std::{error::Error, fs, path::Path};

use rpc_cli::load::plot::{Axis, Line, Plot, Scale};

/// Points with a name.
#[derive(Clone, Debug)]
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

fn number(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e3 => format!("{}k", value / 1e3),
        value => format!("{value}"),
    }
}

fn plot(title: &str, curves: &[Curve], x: Scale, y: Scale) -> String {
    let lines = curves.iter().map(|curve| Line { name: &curve.name, points: curve.points.clone() });
    let axis = |scale| Axis { scale, label: number };
    Plot { title, x: axis(x), y: axis(y), lines: lines.collect() }.file()
}

/// Writes the plots into a folder.
pub fn draw(
    folder: &Path,
    throughput: &[Curve],
    loaded: &[Curve],
    hits: &[Curve],
    stale: &[Curve],
) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let write = |name: &str, svg: String| fs::write(folder.join(name), svg);
    let title = "Lists a second over connections, by where they are kept";
    write("topics-throughput.svg", plot(title, throughput, Scale::Log, Scale::Log))?;
    let title = "Lists a second over posts a second, by where they are kept";
    write("topics-posts.svg", plot(title, loaded, Scale::Log, Scale::Log))?;
    let title = "Lists that were not computed for their callers, in %, over posts a second";
    write("topics-hits.svg", plot(title, hits, Scale::Log, Scale::Linear))?;
    let title = "Posts that are not seen yet, in %, over ms since their replies";
    write("topics-staleness.svg", plot(title, stale, Scale::Linear, Scale::Linear))?;
    println!("plots are in {}", folder.display());
    Ok(())
}
