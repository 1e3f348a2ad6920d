(import "env" "memory" (memory 1 65536 shared))
(func $tile2x8 (param $params i32) (param $first i32) (param $n.panel i32)
  (local v128) $acc0_0  $acc0_1  $acc1_0  $acc1_1  $y0  $y1  $x  $t3v_v  $add_v  $t3v_v.22  $add_v.23  $add_v.24
      $add_v.25
  (local i32) $a0  $arg0  $b0  $arg1  $left  $zero  $mul  $arg3  $mul.18  $add  $arg2  $add.27
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load offset=12  local.set $arg3
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $first  i32.const 7  i32.shl  local.get $arg0  i32.add  local.set $a0
  local.get $n.panel  i32.const 10  i32.shl  local.get $arg1  i32.add  local.set $b0
  i32.const 16  local.set $left
  loop $loop1
    local.get $b0  v128.load align=4  local.set $y0
    local.get $b0  v128.load offset=16 align=4  local.set $y1
    local.get $a0  v128.load32_splat  local.set $x
    local.get $x  local.get $y0  local.get $acc0_0  f32x4.relaxed_madd  local.set $acc0_0
    local.get $x  local.get $y1  local.get $acc0_1  f32x4.relaxed_madd  local.set $acc0_1
    local.get $a0  v128.load32_splat offset=128  local.set $x
    local.get $x  local.get $y0  local.get $acc1_0  f32x4.relaxed_madd  local.set $acc1_0
    local.get $x  local.get $y1  local.get $acc1_1  f32x4.relaxed_madd  local.set $acc1_1
    local.get $b0  v128.load offset=32 align=4  local.set $y0
    local.get $b0  v128.load offset=48 align=4  local.set $y1
    local.get $a0  v128.load32_splat offset=4  local.set $x
    local.get $x  local.get $y0  local.get $acc0_0  f32x4.relaxed_madd  local.set $acc0_0
    local.get $x  local.get $y1  local.get $acc0_1  f32x4.relaxed_madd  local.set $acc0_1
    local.get $a0  v128.load32_splat offset=132  local.set $x
    local.get $x  local.get $y0  local.get $acc1_0  f32x4.relaxed_madd  local.set $acc1_0
    local.get $x  local.get $y1  local.get $acc1_1  f32x4.relaxed_madd  local.set $acc1_1
    local.get $a0  i32.const 8  i32.add  local.set $a0
    local.get $b0  i32.const 64  i32.add  local.set $b0
    local.get $left  i32.const 1  i32.sub  local.tee $left  br_if $loop1
  end
  local.get $acc0_0  local.get $n.panel  i32.const 5  i32.shl  local.tee $mul  local.get $arg3  i32.add  local.get $zero
      i32.const 2  i32.shl  local.tee $mul.18  i32.add  local.tee $add  v128.load align=4  local.tee $t3v_v  f32x4.add
      local.tee $add_v  v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  f32x4.pmax  local.set $acc0_0
  local.get $acc0_1  local.get $add  v128.load offset=16 align=4  local.tee $t3v_v.22  f32x4.add  local.tee $add_v.23
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  f32x4.pmax  local.set $acc0_1
  local.get $acc1_0  local.get $t3v_v  f32x4.add  local.tee $add_v.24
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  f32x4.pmax  local.set $acc1_0
  local.get $acc1_1  local.get $t3v_v.22  f32x4.add  local.tee $add_v.25
      v128.const i32x4 0x00000000 0x00000000 0x00000000 0x00000000  f32x4.pmax  local.set $acc1_1
  local.get $first  i32.const 6  i32.shl  local.get $mul  i32.add  local.get $arg2  i32.add  local.get $mul.18  i32.add
      local.tee $add.27  local.get $acc0_0  v128.store align=4
  local.get $add.27  local.get $acc0_1  v128.store offset=16 align=4
  local.get $add.27  local.get $acc1_0  v128.store offset=64 align=4
  local.get $add.27  local.get $acc1_1  v128.store offset=80 align=4
)
(func $run (export "run") (param $params i32) (param $begin i32) (param $end i32)
  (local i32) $inPoint  $point  $top  $inBlock  $height  $column  $a  $b  $r  $q  $row  $a.14  $b.15  $r.16  $q.17
      $first  $panel  $stop  $count  $room  $rowsLeft  $from
  block $block1
    loop $loop2
      local.get $begin  local.get $end  i32.ge_s  br_if $block1
      local.get $begin  local.set $inPoint
      i32.const 0  local.set $point
      i32.const 0  local.set $top
      local.get $inPoint  local.get $top  i32.const 1  i32.shl  i32.sub  local.set $inBlock
      i32.const 4  local.get $top  i32.sub  local.set $height
      local.get $inBlock  local.get $height  local.set $b  local.set $a
      local.get $b  i32.eqz  if $if3 (result i32)
        i32.const 0
      else
        local.get $b  i32.const -1  i32.eq  if $if4 (result i32)
          i32.const 0  local.get $a  i32.sub
        else
          local.get $a  local.get $b  i32.div_s  local.set $q
          local.get $a  local.get $q  local.get $b  i32.mul  i32.sub  local.set $r
          local.get $q  i32.const 1  i32.sub  local.get $q  local.get $r  i32.const 0  i32.ne  local.get $r
              local.get $b  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  local.set $column
      local.get $top  local.get $inBlock  local.get $height  local.set $b.15  local.set $a.14  local.get $b.15  i32.eqz
          if $if5 (result i32)
        i32.const 0
      else
        local.get $b.15  i32.const -1  i32.eq  if $if6 (result i32)
          i32.const 0
        else
          local.get $a.14  local.get $b.15  i32.rem_s  local.set $q.17
          local.get $q.17  local.set $r.16
          local.get $q.17  local.get $b.15  i32.add  local.get $q.17  local.get $r.16  i32.const 0  i32.ne
              local.get $r.16  local.get $b.15  i32.xor  i32.const 0  i32.lt_s  i32.and  select
        end
      end  i32.add  local.set $row
      local.get $row  i32.const 1  i32.shl  local.set $first
      local.get $column  local.set $panel
      local.get $height  local.get $top  i32.add  local.get $row  i32.sub  local.set $count
      local.get $end  local.get $begin  i32.sub  local.set $room
      local.get $count  local.get $room  local.get $count  local.get $room  i32.lt_s  select  local.tee $count
          local.get $begin  i32.add  local.set $begin
      local.get $first  local.get $count  i32.const 2  i32.mul  i32.add  local.set $stop
      loop $loop7
        local.get $first  i32.const 5  local.get $first  i32.const 5  i32.lt_s  select  local.set $from
        local.get $params  local.get $from  local.get $panel  call $tile2x8
        local.get $first  i32.const 2  i32.add  local.tee $first  local.get $stop  i32.lt_s  br_if $loop7
      end
      br $loop2
    end
  end
)
