//! The report as one page that needs nothing else: the table, and two charts as SVG.

use std::fmt::Write as _;

use crate::{report::Report, tally::Tally};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
/// Space for labels.
const MARGIN: f64 = 48.0;
/// Lines across a chart.
const GRID: u32 = 4;
const COLOURS: [&str; 2] = ["#1f77b4", "#d62728"];
/// Quantiles of the distribution, with the label of each.
const QUANTILES: [(f64, &str); 7] =
    [(0.0, "0"), (0.5, "50"), (0.75, "75"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99 %")];

/// A line: its name, and points with x from 0 to 1 and y in milliseconds.
type Line<'a> = (&'a str, Vec<(f64, f64)>);

/// The page of a run.
pub(crate) fn page(report: &Report, tally: &Tally) -> String {
    let over_time = [("p50", tally.course(0.5)), ("p99", tally.course(0.99))];
    let steps = f64::from(u32::try_from(QUANTILES.len() - 1).unwrap_or(1));
    let at = |index: usize| f64::from(u32::try_from(index).unwrap_or(0)) / steps;
    let spread = QUANTILES.iter().enumerate().map(|(index, (quantile, _))| (at(index), tally.at(*quantile)));
    let distribution = [("latency", spread.collect())];
    let labels: Vec<_> =
        QUANTILES.iter().enumerate().map(|(index, (_, label))| (at(index), (*label).to_owned())).collect();
    let ends = [(0.0, "0 s".to_owned()), (1.0, format!("{} s", report.seconds()))];
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\n<style>\
         :root{{color-scheme:light dark}}body{{font:16px system-ui,sans-serif;max-width:46rem;margin:2rem auto}}\
         pre{{overflow:auto}}svg{{width:100%}}text{{font-size:12px;fill:currentColor}}\
         polyline{{fill:none;stroke-width:1.5}}line{{stroke:currentColor;opacity:.2}}</style></head>\n<body>\
         <h1>{title}</h1>\n<pre>{table}</pre>\n<h2>Latency over the run</h2>\n{}\n\
         <h2>Latency by percentile</h2>\n{}\n</body></html>\n",
        chart(&over_time, &ends),
        chart(&distribution, &labels),
        title = escape(&report.title()),
        table = escape(&report.to_string()),
    )
}

fn chart(lines: &[Line<'_>], labels: &[(f64, String)]) -> String {
    let top = lines.iter().flat_map(|(_, points)| points).map(|(_, y)| *y).fold(0.001, f64::max);
    let x = |share: f64| MARGIN + share * (WIDTH - 2.0 * MARGIN);
    let y = |ms: f64| HEIGHT - MARGIN - ms / top * (HEIGHT - 2.0 * MARGIN);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"Latency in milliseconds\">");
    // Writing to a string does not fail.
    for step in 0..=GRID {
        let ms = top * f64::from(step) / f64::from(GRID);
        let (left, right, at) = (x(0.0), x(1.0), y(ms));
        let _ = write!(svg, "<line x1=\"{left}\" y1=\"{at:.1}\" x2=\"{right}\" y2=\"{at:.1}\"/>");
        let _ = write!(svg, "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{ms:.1}</text>", left - 4.0, at + 4.0);
    }
    for (share, label) in labels {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            x(*share),
            HEIGHT - 28.0
        );
    }
    for ((name, points), (colour, row)) in lines.iter().zip(COLOURS.iter().zip([14.0, 30.0])) {
        let points: Vec<_> = points.iter().map(|(share, ms)| format!("{:.1},{:.1}", x(*share), y(*ms))).collect();
        let _ = write!(svg, "<polyline stroke=\"{colour}\" points=\"{}\"/>", points.join(" "));
        let _ = write!(svg, "<text x=\"{:.0}\" y=\"{row}\" style=\"fill:{colour}\">{name}, ms</text>", WIDTH - 96.0);
    }
    svg + "</svg>"
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_scales_its_lines_to_the_highest_point() {
        let svg = chart(&[("p50", vec![(0.0, 0.0), (1.0, 8.0)])], &[(0.0, "0 s".to_owned())]);
        assert!(svg.contains("points=\"48.0,212.0 672.0,48.0\""), "{svg}");
        assert!(svg.contains(">8.0</text>") && svg.contains(">4.0</text>") && svg.contains(">0 s</text>"), "{svg}");
    }

    #[test]
    fn a_chart_without_points_is_still_one() {
        assert!(chart(&[("p50", Vec::new())], &[]).ends_with("</svg>"));
    }
}
