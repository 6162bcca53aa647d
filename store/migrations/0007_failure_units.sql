-- Failure units of a cause and system in neighbouring minutes of an hour become neighbouring numbers.
ALTER TABLE slo_judged MODIFY COLUMN failure_unit UInt64
    DEFAULT if(good, 0, bitOr(bitShiftLeft(bitAnd(cityHash64(cause, system), 0x7ffffffff), 28), bitOr(bitShiftLeft(intDiv(toUInt64(toUnixTimestamp(decided_at)), 3600), 7), toMinute(decided_at))));
