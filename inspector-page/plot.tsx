interface Line {
  readonly label: string;
  readonly values: readonly number[];
}

interface PlotProps {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly shown: (value: number) => string;
}

const width = 300;
const height = 80;
/** Seconds from left to right, whatever is known of them. */
const points = 120;

/** Values over the last two minutes, the present at the right. */
export function Plot({ title, lines, shown }: PlotProps) {
  const max = Math.max(0, ...lines.flatMap(({ values }) => values.slice(-points)));
  const now = lines.map(({ label, values }) => `${label} ${shown(values.at(-1) ?? 0)}`).join(", ");
  return (
    <figure class="plot">
      <figcaption>
        <strong>{title}</strong>
        {lines.map(({ label, values }, at) => (
          <span key={label} class={`legend line-${at}`}>
            {label} {shown(values.at(-1) ?? 0)}
          </span>
        ))}
      </figcaption>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}: ${now}`}
      >
        {lines.map(({ label, values }, at) => (
          <polyline key={label} class={`line-${at}`} points={pointsOf(values.slice(-points), max)} />
        ))}
      </svg>
      <p class="scale">
        up to {shown(max)} in the last {points} s
      </p>
    </figure>
  );
}

function pointsOf(values: readonly number[], max: number): string {
  const step = width / (points - 1);
  const left = width - (values.length - 1) * step;
  return values
    .map(
      (value, at) =>
        `${(left + at * step).toFixed(1)},${(height - 2 - (max && value / max) * (height - 6)).toFixed(1)}`,
    )
    .join(" ");
}

const barWidth = 12;
const barHeight = 28;

/** How many calls took how long. */
export function Histogram({
  bars,
  shown,
}: {
  bars: readonly (readonly [number, number])[];
  shown: (value: number) => string;
}) {
  const max = Math.max(1, ...bars.map(([, count]) => count));
  const words = bars.filter(([, count]) => count > 0).map(([upTo, count]) => `${count} up to ${shown(upTo)}`);
  return (
    <svg
      class="histogram"
      viewBox={`0 0 ${Math.max(1, bars.length) * barWidth} ${barHeight}`}
      width={Math.max(1, bars.length) * barWidth}
      height={barHeight}
      role="img"
      aria-label={words.join(", ")}
    >
      {bars.map(([upTo, count], at) => {
        const size = count === 0 ? 0 : Math.max(1, (count / max) * barHeight);
        return (
          <rect key={upTo} x={at * barWidth} y={barHeight - size} width={barWidth - 1} height={size}>
            <title>{`${count} up to ${shown(upTo)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
