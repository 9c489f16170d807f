// The packets behind an exchange: a list, the fields of the chosen one, and its bytes, each marking the other.
import { type KeyboardEvent, useMemo, useState } from "react";
import { usePackets } from "../api/queries";
import type { Field, Packet } from "../api/types";
import { useZone } from "../state/preferences";
import { clock, ns, parseInstant } from "../state/time";
import { useUrl } from "../state/url";
import { elapsed } from "../ui/figures";
import { Answered, Empty } from "../ui/states";
import { base64 } from "./bodies";
import { fieldAt, fieldOf, type FieldPlace, key, lineOf } from "./fields";
import { Hex } from "./Hex";

export function Packets({ id }: { readonly id: string }) {
  const answer = usePackets(id);
  return (
    <Answered answer={answer} what="packets">
      {({ packets }) =>
        packets.length === 0 ? (
          <Empty title="No packets">
            The segment that held them has expired, or they were never captured.
          </Empty>
        ) : (
          <Chosen packets={packets} />
        )
      }
    </Answered>
  );
}

function Chosen({ packets }: { readonly packets: readonly Packet[] }) {
  const url = useUrl();
  const place = Math.max(0, Math.min(packets.length - 1, Number(url.get("packet") ?? 0) || 0));
  const choose = (next: number) => {
    if (next >= 0 && next < packets.length) url.set({ packet: next === 0 ? null : String(next) }, "replace");
  };
  const packet = packets[place];
  return (
    <div className="packets">
      <PacketList packets={packets} place={place} choose={choose} />
      {packet && <Opened key={place} packet={packet} />}
    </div>
  );
}

interface ListProps {
  readonly packets: readonly Packet[];
  readonly place: number;
  readonly choose: (place: number) => void;
}

function PacketList({ packets, place, choose }: ListProps) {
  const zone = useZone();
  const first = parseInstant(packets[0]?.time ?? "") ?? ns(0n);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    choose(place + step);
  };
  return (
    <div
      className="packet-list"
      role="listbox"
      aria-label="Packets"
      tabIndex={0}
      onKeyDown={onKeyDown}
      aria-activedescendant={`packet-${place}`}
    >
      {packets.map((packet, index) => {
        const at = parseInstant(packet.time) ?? first;
        return (
          <div
            key={index}
            id={`packet-${index}`}
            role="option"
            aria-selected={index === place}
            className="packet"
            onClick={() => choose(index)}
          >
            <span className="figure faint">{index + 1}</span>
            <time>{clock(at, zone, 6)}</time>
            <span className="figure">+{elapsed(Number(at - first) / 1e6)}</span>
            <span className="figure">{packet.originalLength}</span>
            <span className="packet-line">{lineOf(packet.fields) || packet.interface}</span>
          </div>
        );
      })}
    </div>
  );
}

function Opened({ packet }: { readonly packet: Packet }) {
  const bytes = useMemo(() => base64(packet.data), [packet.data]);
  const { fields } = packet;
  const [place, setPlace] = useState<FieldPlace | null>(null);
  const field = place && fieldOf(fields, place);
  const marked = field && field.length > 0 ? { start: field.start, end: field.start + field.length } : null;
  return (
    <div className="packet-open">
      <div className="field-tree" role="tree" aria-label="Fields" tabIndex={0}>
        {fields.map((one, index) => (
          <FieldNode key={index} field={one} place={[index]} chosen={place} choose={setPlace} />
        ))}
      </div>
      {bytes.length < packet.originalLength && (
        <p className="notice">
          {packet.originalLength - bytes.length} of {packet.originalLength} bytes were not captured (snap
          length)
        </p>
      )}
      <Hex
        bytes={bytes}
        marked={marked}
        point={(byte) => setPlace(fieldAt(fields, byte))}
        label="Bytes of the packet"
      />
    </div>
  );
}

interface NodeProps {
  readonly field: Field;
  readonly place: FieldPlace;
  readonly chosen: FieldPlace | null;
  readonly choose: (place: FieldPlace) => void;
}

function FieldNode({ field, place, chosen, choose }: NodeProps) {
  const isWithin = chosen !== null && key(chosen).startsWith(`${key(place)}.`);
  const [isOpened, setOpened] = useState(place.length === 1 && field.fields.length < 12);
  const isOpen = isOpened || isWithin;
  const hasMore = field.fields.length > 0;
  const isChosen = chosen !== null && key(chosen) === key(place);
  return (
    <div
      role="treeitem"
      aria-selected={isChosen}
      {...(hasMore && { "aria-expanded": isOpen })}
      className="field"
    >
      <button
        type="button"
        tabIndex={-1}
        className={`field-line ${isChosen ? "field-chosen" : ""}`}
        onMouseEnter={() => choose(place)}
        onFocus={() => choose(place)}
        onClick={() => {
          choose(place);
          setOpened(!isOpened);
        }}
      >
        <span className={`field-arrow ${hasMore ? (isOpen ? "open" : "closed") : ""}`} aria-hidden />
        <span className="field-name">{field.name}</span> <span className="field-value">{field.value}</span>
      </button>
      {isOpen && hasMore && (
        <div role="group" className="field-group">
          {field.fields.map((inner, index) => (
            <FieldNode key={index} field={inner} place={[...place, index]} chosen={chosen} choose={choose} />
          ))}
        </div>
      )}
    </div>
  );
}
