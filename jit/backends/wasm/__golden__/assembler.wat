(import "env" "log" (func $log (param i32)))
(import "env" "kernels" (table $kernels 2 funcref))
(func $square (export "square") (param $x i32) (result i32)
  local.get $x  local.get $x  i32.mul
)
(func $sum (export "sum") (param $n i32) (result i32)
  (local i32) $total  $i  $step
  i32.const 1  local.set $step
  loop $loop1
    local.get $total  local.get $i  i32.const 1  call_indirect $kernels (param i32) (result i32)  i32.add
        local.set $total
    local.get $i  local.get $step  i32.add  local.tee $i  local.get $n  i32.le_s  br_if $loop1
  end
  local.get $total  call $log
  local.get $total
)
