;; The inner loops of GHASH, see ghash.ts. `npm run build:wasm` makes ghash-module.ts of it.
(module
  ;; What lies where is up to the caller.
  (memory (export "memory") 19 19)

  ;; Writes to `result` the sum of the products of each block from `input` to `end`, at least one, and its power of the
  ;; key. `tables` is of the first block's power; that of each next lies 512 bytes before. In a power's table are the
  ;; products with each half of a byte: 16 with the high half, then 16 with the low one.
  (func (export "digest") (param $tables i32) (param $input i32) (param $end i32) (param $result i32)
    (local $sum v128) (local $over v128) (local $position i32) (local $table i32) (local $at i32) (local $byte i32)
    ;; From the last byte of all blocks to the first: what is behind is multiplied by x^8 for each step, and what leaves
    ;; the sum at its end goes over into the next 16 bytes.
    (local.set $position (i32.const 15))
    (loop $positions
      (local.set $over
        (i8x16.shuffle 31 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (local.get $over) (local.get $sum)))
      (local.set $sum
        (i8x16.shuffle 16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (local.get $sum) (v128.const i64x2 0 0)))
      (local.set $table (local.get $tables))
      (local.set $at (i32.add (local.get $input) (local.get $position)))
      (loop $blocks
        (local.set $byte (i32.load8_u (local.get $at)))
        (local.set $sum
          (v128.xor
            (local.get $sum)
            (v128.xor
              (v128.load (i32.add (local.get $table) (i32.and (local.get $byte) (i32.const 0xf0))))
              (v128.load offset=256
                (i32.add (local.get $table) (i32.shl (i32.and (local.get $byte) (i32.const 15)) (i32.const 4)))))))
        (local.set $table (i32.sub (local.get $table) (i32.const 512)))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $blocks (i32.lt_u (local.get $at) (local.get $end))))
      (local.set $position (i32.sub (local.get $position) (i32.const 1)))
      (br_if $positions (i32.ge_s (local.get $position) (i32.const 0))))
    ;; x^128 is x^7 + x^2 + x + 1: so often shifted, by bits, what went over is added. A byte's highest bit is the first.
    (local.set $sum
      (v128.xor
        (v128.xor (local.get $sum) (local.get $over))
        (v128.xor
          (i8x16.shr_u (local.get $over) (i32.const 1))
          (v128.xor (i8x16.shr_u (local.get $over) (i32.const 2)) (i8x16.shr_u (local.get $over) (i32.const 7))))))
    (local.set $over
      (i8x16.shuffle 16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 (local.get $over) (v128.const i64x2 0 0)))
    (v128.store
      (local.get $result)
      (v128.xor
        (local.get $sum)
        (v128.xor
          (i8x16.shl (local.get $over) (i32.const 7))
          (v128.xor (i8x16.shl (local.get $over) (i32.const 6)) (i8x16.shl (local.get $over) (i32.const 1))))))))
