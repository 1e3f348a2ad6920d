(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $n  $k  $add  $arg0  $add.9  $arg1  $add.12  $arg2
  (local f32) $acc  $c
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $begin  local.set $unit
    loop $loop2
      local.get $arg0  local.get $unit  i32.const 28  i32.mul  i32.add  local.set $add
      local.get $arg2  local.get $unit  i32.const 20  i32.mul  i32.add  local.set $add.12
      i32.const 0  local.set $n
      loop $loop3
        f32.const 0  local.set $acc
        local.get $arg1  local.get $n  i32.const 2  i32.shl  i32.add  local.set $add.9
        i32.const 0  local.set $k
        loop $loop4
          local.get $add  local.get $k  i32.const 2  i32.shl  i32.add  f32.load  local.get $add.9  local.get $k
              i32.const 20  i32.mul  i32.add  f32.load  local.get $acc  local.set $c  f32.mul  local.get $c  f32.add
              local.set $acc
          local.get $k  i32.const 1  i32.add  local.tee $k  i32.const 7  i32.lt_s  br_if $loop4
        end
        local.get $add.12  local.get $n  i32.const 2  i32.shl  i32.add  local.get $acc  f32.store
        local.get $n  i32.const 1  i32.add  local.tee $n  i32.const 5  i32.lt_s  br_if $loop3
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
