(import "env" "memory" (memory 1 65536 shared))
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $y  $x  $and  $held  $add  $add.13  $arg0  $mul  $add.16  $add.17  $add.19  $arg1  $mul.21  $x.22  $mul.23
      $add.24
  (local v128) $value  $mask  $const_v  $var_v  $const_v.10  $const_v.18
  (local f32) $select
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  v128.const i32x4 0x00000003 0x00000003 0x00000003 0x00000003  local.set $const_v
  v128.const i32x4 0x0000000c 0x0000000c 0x0000000c 0x0000000c  local.set $const_v.10
  local.get $arg0  i32.const -84  i32.add  local.set $add.13
  local.get $arg0  i32.const 176  i32.add  local.set $add.16
  local.get $arg0  i32.const -16  i32.add  local.set $add.17
  v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  local.set $const_v.18
  i32.const 0  local.set $y
  loop $loop1
    i32.const 2  local.get $y  i32.le_s  local.get $y  i32.const 7  i32.lt_s  i32.and  local.set $and
    local.get $add.13  local.get $y  i32.const 36  i32.mul  i32.add  local.set $add
    local.get $arg1  local.get $y  i32.const 60  i32.mul  i32.add  local.set $add.19
    i32.const 0  local.set $x
    loop $loop2
      local.get $and  if $if3 (result v128)
        local.get $const_v  local.get $x  i32x4.splat  v128.const i32x4 0x00000000 0x00000001 0x00000002 0x00000003
            i32x4.add  local.tee $var_v  i32x4.le_s  local.get $var_v  local.get $const_v.10  i32x4.lt_s  v128.and
            local.set $mask
        local.get $add  local.get $x  i32.const 2  i32.shl  local.tee $mul  i32.add  local.set $held
        local.get $held  local.get $add.16  local.get $held  local.get $add.16  i32.lt_u  select  local.set $held
        local.get $held  local.get $add.17  local.get $held  local.get $add.17  i32.gt_u  select  v128.load align=4
            local.get $const_v.18  local.get $mask  v128.bitselect
      else
        local.get $const_v.18
      end  local.set $value
      local.get $add.19  local.get $x  i32.const 2  i32.shl  local.tee $mul.21  i32.add  local.get $value
          v128.store align=4
      local.get $x  i32.const 4  i32.add  local.tee $x  i32.const 12  i32.lt_s  br_if $loop2
    end
    i32.const 12  local.set $x.22
    loop $loop4
      local.get $add.19  local.get $x.22  i32.const 2  i32.shl  local.tee $mul.23  i32.add  local.tee $add.24
          local.get $and  i32.const 3  local.get $x.22  i32.le_s  i32.and  local.get $x.22  i32.const 12  i32.lt_s
          i32.and  if $if5 (result f32)
        local.get $add  local.get $mul.23  i32.add  f32.load
      else
        f32.const 0
      end  local.tee $select  f32.store
      local.get $x.22  i32.const 1  i32.add  local.tee $x.22  i32.const 15  i32.lt_s  br_if $loop4
    end
    local.get $y  i32.const 1  i32.add  local.tee $y  i32.const 8  i32.lt_s  br_if $loop1
  end
)
