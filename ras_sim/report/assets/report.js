"use strict";
(() => {
  const chosen = {}; // chart id -> index of the figure that is shown

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  // Charts take text and grid from the page, so that they follow light, dark and print.
  function themed(layout) {
    const copy = structuredClone(layout);
    copy.font.color = colour("--ink");
    copy.hoverlabel = { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--ink") } };
    for (const key of Object.keys(copy)) {
      if (/^[xy]axis\d*$/.test(key)) {
        copy[key] = { ...copy[key], gridcolor: colour("--line"), linecolor: colour("--line") };
      }
    }
    return copy;
  }

  const specs = (chart) =>
    [...document.querySelectorAll(`script[data-of="${chart.id}"]`)].map((one) => one.textContent);

  function draw(chart) {
    const figure = JSON.parse(specs(chart)[chosen[chart.id] ?? 0]);
    return Plotly.react(chart, figure.data, themed(figure.layout), { responsive: true, displayModeBar: false });
  }

  const drawAll = () => Promise.all([...document.querySelectorAll(".chart")].map(draw));

  const charts = (choice) => choice.dataset.charts.split(" ").map((id) => document.getElementById(id));

  // Charts of one replication share their days: a zoom of one is a zoom of all.
  function follow(chart, others) {
    chart.on("plotly_relayout", () => {
      const range = chart.layout.xaxis.range;
      for (const other of others) {
        if (String(other.layout.xaxis.range) !== String(range)) {
          Plotly.relayout(other, { "xaxis.range": [...range] });
        }
      }
    });
  }

  const choices = [...document.querySelectorAll("select[data-charts]")];
  for (const choice of choices) {
    const show = () => charts(choice).forEach((chart) => { chosen[chart.id] = Number(choice.value); });
    show();
    choice.addEventListener("change", () => { show(); charts(choice).forEach(draw); });
  }

  for (const button of document.querySelectorAll("button[data-days]")) {
    button.addEventListener("click", () => {
      const chart = document.getElementById(button.dataset.chart);
      const end = chart.layout.xaxis.maxallowed;
      const days = Number(button.dataset.days);
      Plotly.relayout(chart, { "xaxis.range": [0, days > 0 ? Math.min(days, end) : end] });
    });
  }

  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", drawAll);
  }

  // For tests and for printing by a machine: the page says when it is complete.
  drawAll().then(() => {
    for (const choice of choices) {
      const linked = charts(choice);
      linked.forEach((chart) => follow(chart, linked.filter((other) => other !== chart)));
    }
    document.documentElement.dataset.drawn = "yes";
  });
})();
