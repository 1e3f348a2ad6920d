(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $unit  $to  $row  $i  $s0  $add  $arg0  $mul  $mul.12  $k  $add.14  $add.15  $mul.17  $mul.19  $mul.21
      $add.22
  (local f32) $x  $t0v  $t0v.18  $t0v.20
  local.get $params  i32.load offset=4  local.set $s0
  local.get $params  i32.load  local.set $arg0
  local.get $begin  local.get $end  i32.lt_s  if $if1
    local.get $arg0  i32.const -4  i32.add  local.set $add.15
    local.get $begin  local.set $unit
    loop $loop2
      local.get $unit  i32.const 1  i32.add  local.set $to
      local.get $unit  local.get $to  i32.lt_s  if $if3
        local.get $unit  local.set $row
        loop $loop4
          local.get $arg0  local.get $row  local.get $s0  i32.mul  local.tee $mul  i32.const 2  i32.shl
              local.tee $mul.12  i32.add  local.set $add
          local.get $add.15  local.get $mul.12  i32.add  local.set $add.14
          i32.const 0  local.set $i
          loop $loop5
            local.get $add  local.get $i  i32.const 2  i32.shl  i32.add  f32.load  local.set $x
            local.get $i  local.set $k
            i32.const 0  local.get $k  i32.lt_s  if $if6 (result i32)
              local.get $add.14  local.get $k  i32.const 2  i32.shl  i32.add  f32.load  local.tee $t0v  local.get $x
                  f32.gt
            else
              i32.const 0
            end  if $if7
              loop $loop8
                local.get $add  local.get $k  i32.const 2  i32.shl  local.tee $mul.17  i32.add  local.get $add.14
                    local.get $mul.17  i32.add  f32.load  local.tee $t0v.18  f32.store
                local.get $k  i32.const -1  i32.add  local.set $k
                i32.const 0  local.get $k  i32.lt_s  if $if9 (result i32)
                  local.get $add.14  local.get $k  i32.const 2  i32.shl  local.tee $mul.19  i32.add  f32.load
                      local.tee $t0v.20  local.get $x  f32.gt
                else
                  i32.const 0
                end  br_if $loop8
              end
            end
            local.get $add  local.get $k  i32.const 2  i32.shl  local.tee $mul.21  i32.add  local.tee $add.22
                local.get $x  f32.store
            local.get $i  i32.const 1  i32.add  local.tee $i  local.get $s0  i32.lt_s  br_if $loop5
          end
          local.get $row  i32.const 1  i32.add  local.tee $row  local.get $to  i32.lt_s  br_if $loop4
        end
      end
      local.get $unit  i32.const 1  i32.add  local.tee $unit  local.get $end  i32.lt_s  br_if $loop2
    end
  end
)
