(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $to  $line  $lane  $add  $arg0  $add.10  $arg1  $lt
  (local v128) $a
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  i32.const 1  i32.add  local.set $to
      local.get $unit  local.get $to  i32.lt_s  if $if3
        local.get $unit  local.set $line
        loop $loop4
          local.get $arg0  local.get $line  i32.const 5  i32.shl  i32.add  local.set $add
          local.get $arg1  local.get $line  i32.const 5  i32.shl  i32.add  local.set $add.10
          local.get $line  i32.const 4  i32.lt_s  local.set $lt
          i32.const 0  local.set $lane
          loop $loop5
            local.get $add  local.get $lane  i32.const 2  i32.shl  i32.add  v128.load align=4  local.set $a
            local.get $add.10  local.get $lane  i32.const 2  i32.shl  i32.add  local.get $a  local.get $a  f32x4.mul
                v128.store align=4
            local.get $lt  if $if6
              local.get $add.10  local.get $lane  i32.const 2  i32.shl  i32.add  local.get $a
                  v128.store offset=160 align=4
            end
            local.get $lane  i32.const 4  i32.add  local.tee $lane  i32.const 8  i32.lt_s  br_if $loop5
          end
          local.get $line  i32.const 1  i32.add  local.tee $line  local.get $to  i32.lt_s  br_if $loop4
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
