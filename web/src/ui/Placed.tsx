// Geometry that only the moment knows: where a row of a virtual list lies, how wide a bar is. The one place where
// a style comes from code; React sets it on the element, which the content security policy allows.
import type { CSSProperties, HTMLAttributes, Ref } from "react";

export interface Geometry {
  readonly top?: number;
  readonly left?: number;
  readonly width?: number | string;
  readonly height?: number | string;
  /** Custom properties, e.g. `--share`. */
  readonly vars?: Readonly<Record<`--${string}`, string | number>>;
}

type Props = HTMLAttributes<HTMLDivElement> & {
  readonly at: Geometry;
  readonly ref?: Ref<HTMLDivElement>;
};

export function Placed({ at, ref, ...rest }: Props) {
  const { vars, top, left, width, height } = at;
  const style: CSSProperties = {
    ...(top !== undefined && { transform: `translateY(${top}px)` }),
    ...(left !== undefined && { left }),
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(vars as CSSProperties | undefined),
  };
  return <div ref={ref} {...rest} style={style} />;
}
