(import "env" "memory" (memory 1 65536 shared))
(import "env" "scratch" (global $scratch i32))
(func $finish (param $params i32) (param $first i32) (param $quad i32) (param $rows i32) (param $vectors i32)
  (local i32) $at  $row  $add  $column  $add.10  $zero  $add.12  $arg2  $zero.14  $add.16
  (local v128) $sum  $stored
  local.get $params  i32.load offset=8  local.set $arg2
  global.get $scratch  local.set $at
  local.get $first  local.get $first  local.get $rows  i32.add  i32.lt_s  if $if1
    local.get $first  local.get $rows  i32.add  local.set $add
    local.get $quad  local.get $vectors  i32.add  local.set $add.10
    local.get $first  local.set $row
    loop $loop2
      local.get $quad  local.get $add.10  i32.lt_s  if $if3
        local.get $arg2  local.get $row  i32.const 40  i32.mul  i32.add  local.set $add.12
        local.get $quad  local.set $column
        loop $loop4
          local.get $at  v128.load  local.set $sum
          local.get $column  i32.const 2  i32.shl  i32.const 4  i32.add  i32.const 10  i32.le_s  if $if5
            local.get $add.12  local.get $column  i32.const 4  i32.shl  i32.add  local.get $zero  i32.const 2  i32.shl
                i32.add  local.get $sum  v128.store align=4
          else
            local.get $column  i32.const 2  i32.shl  i32.const 1  i32.add  i32.const 10  i32.le_s  if $if6
              local.get $sum  local.set $stored
              local.get $add.12  local.get $column  i32.const 4  i32.shl  i32.add  local.get $zero.14  i32.const 2
                  i32.shl  i32.add  local.tee $add.16  local.get $stored  v128.store32_lane 0
              local.get $add.16  local.get $stored  v128.store32_lane offset=4 1
            end
          end
          local.get $at  i32.const 16  i32.add  local.set $at
          local.get $column  i32.const 1  i32.add  local.tee $column  local.get $add.10  i32.lt_s  br_if $loop4
        end
      end
      local.get $row  i32.const 1  i32.add  local.tee $row  local.get $add  i32.lt_s  br_if $loop2
    end
  end
)
(func $tile2x8 (param $params i32) (param $first i32) (param $o.panel i32)
  (local v128) $acc0_0  $acc0_1  $acc1_0  $acc1_1  $y0  $y1  $x
  (local i32) $a0  $arg0  $b0  $arg1  $left  $b0.15  $k  $a0.17  $add  $add.19  $a1  $add.21  $left.22  $zero  $arg2
      $add.25  $scratch
  local.get $params  i32.load  local.set $arg0
  local.get $params  i32.load offset=4  local.set $arg1
  local.get $params  i32.load offset=8  local.set $arg2
  local.get $first  i32.const -1  i32.add  i32.const 6  i32.le_u  local.get $first  i32.const 6  i32.le_u  i32.and
      if $if1
    local.get $first  i32.const 12  i32.mul  local.get $arg0  i32.add  i32.const -12  i32.add  local.set $a0
    local.get $o.panel  i32.const 288  i32.mul  local.get $arg1  i32.add  local.set $b0
    i32.const 9  local.set $left
    loop $loop2
      local.get $b0  v128.load align=4  local.set $y0
      local.get $b0  v128.load offset=16 align=4  local.set $y1
      local.get $a0  v128.load32_splat  local.set $x
      local.get $x  local.get $y0  i32x4.dot_i16x8_s  local.get $acc0_0  i32x4.add  local.set $acc0_0
      local.get $x  local.get $y1  i32x4.dot_i16x8_s  local.get $acc0_1  i32x4.add  local.set $acc0_1
      local.get $a0  v128.load32_splat offset=12  local.set $x
      local.get $x  local.get $y0  i32x4.dot_i16x8_s  local.get $acc1_0  i32x4.add  local.set $acc1_0
      local.get $x  local.get $y1  i32x4.dot_i16x8_s  local.get $acc1_1  i32x4.add  local.set $acc1_1
      local.get $a0  i32.const 4  i32.add  local.set $a0
      local.get $b0  i32.const 32  i32.add  local.set $b0
      local.get $left  i32.const 1  i32.sub  local.tee $left  br_if $loop2
    end
  else
    local.get $o.panel  i32.const 288  i32.mul  local.get $arg1  i32.add  local.set $b0.15
    local.get $first  i32.const 12  i32.mul  local.get $arg0  i32.add  i32.const -12  i32.add  local.set $add
    local.get $first  i32.const -1  i32.add  local.set $add.19
    local.get $first  i32.const 12  i32.mul  local.get $arg0  i32.add  local.set $add.21
    i32.const 0  local.set $k
    loop $loop3
      local.get $add  local.get $k  i32.const 12  i32.mul  i32.add  i32.const 0  local.get $add.19  local.get $k
          i32.add  i32.const 8  i32.le_u  select  local.set $a0.17
      local.get $add.21  local.get $k  i32.const 12  i32.mul  i32.add  i32.const 0  local.get $first  local.get $k
          i32.add  i32.const 8  i32.le_u  select  local.set $a1
      i32.const 3  local.set $left.22
      loop $loop4
        local.get $b0.15  v128.load align=4  local.set $y0
        local.get $b0.15  v128.load offset=16 align=4  local.set $y1
        local.get $a0.17  v128.load32_splat  local.set $x
        local.get $x  local.get $y0  i32x4.dot_i16x8_s  local.get $acc0_0  i32x4.add  local.set $acc0_0
        local.get $x  local.get $y1  i32x4.dot_i16x8_s  local.get $acc0_1  i32x4.add  local.set $acc0_1
        local.get $a1  v128.load32_splat  local.set $x
        local.get $x  local.get $y0  i32x4.dot_i16x8_s  local.get $acc1_0  i32x4.add  local.set $acc1_0
        local.get $x  local.get $y1  i32x4.dot_i16x8_s  local.get $acc1_1  i32x4.add  local.set $acc1_1
        local.get $a0.17  i32.const 4  i32.add  local.set $a0.17
        local.get $a1  i32.const 4  i32.add  local.set $a1
        local.get $b0.15  i32.const 32  i32.add  local.set $b0.15
        local.get $left.22  i32.const 1  i32.sub  local.tee $left.22  br_if $loop4
      end
      local.get $k  i32.const 1  i32.add  local.tee $k  i32.const 3  i32.lt_s  br_if $loop3
    end
  end
  local.get $o.panel  i32.const 3  i32.shl  i32.const 8  i32.add  i32.const 10  i32.le_s  if $if5
    local.get $first  i32.const 40  i32.mul  local.get $o.panel  i32.const 5  i32.shl  i32.add  local.get $arg2  i32.add
        local.get $zero  i32.const 2  i32.shl  i32.add  local.tee $add.25  local.get $acc0_0  v128.store align=4
    local.get $add.25  local.get $acc0_1  v128.store offset=16 align=4
    local.get $add.25  local.get $acc1_0  v128.store offset=40 align=4
    local.get $add.25  local.get $acc1_1  v128.store offset=56 align=4
  else
    global.get $scratch  local.set $scratch
    local.get $scratch  local.get $acc0_0  v128.store
    local.get $scratch  local.get $acc0_1  v128.store offset=16
    local.get $scratch  local.get $acc1_0  v128.store offset=32
    local.get $scratch  local.get $acc1_1  v128.store offset=48
    local.get $params  local.get $first  local.get $o.panel  i32.const 1  i32.shl  i32.const 2  i32.const 2
        call $finish
  end
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
      i32.const 5  local.get $top  i32.sub  local.set $height
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
        local.get $first  i32.const 7  local.get $first  i32.const 7  i32.lt_s  select  local.set $from
        local.get $params  local.get $from  local.get $panel  call $tile2x8
        local.get $first  i32.const 2  i32.add  local.tee $first  local.get $stop  i32.lt_s  br_if $loop7
      end
      br $loop2
    end
  end
)
